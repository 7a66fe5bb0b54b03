#!/usr/bin/env escript
%%! +S 1:1
%% Runs traces of src/supervision/otp_tests.rs against OTP's own, unmodified `supervisor`.
%%
%% Reads one trace per line, an Erlang term, from standard input; writes what happened as one line: an entry per step,
%% separated by `;`. An entry is `[events] answer {children}`; events are `+id` (started), `!id` (did not start), `-id`
%% (ended in order) and `xid` (crashed or was killed), in causal order: all carry timestamps of one clock, those of
%% exits are taken by the run time itself (erlang:trace).
-mode(compile).
-export([init/1, start_worker/1, start_supervisor/2]).

main(_) ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    register(runner, self()),
    ets:new(refuse, [named_table, public]),
    ets:new(latest, [named_table, public]),
    ets:new(names, [named_table, public]),
    loop().

loop() ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            {ok, Tokens, _} = erl_scan:string(Line),
            {ok, Trace} = erl_parse:parse_term(Tokens),
            io:put_chars([lists:join($;, run(Trace)), $\n]),
            loop()
    end.

run({Supervisor, Refused, Steps}) ->
    [ets:delete_all_objects(Table) || Table <- [refuse, latest, names]],
    ets:insert(refuse, Refused),
    case supervisor:start_link(?MODULE, Supervisor) of
        {ok, Top} ->
            ets:insert(latest, {top, Top}),
            [entry("ok", Top) | steps(Steps, Top)];
        {error, {start_spec, _}} ->
            [entry("bad_spec", none)];
        {error, _} ->
            [entry("error", none)]
    end.

steps([], Top) ->
    unlink(Top),
    Monitor = monitor(process, Top),
    exit(Top, shutdown), % from the process that started it, so it is its parent's order
    Reason = receive {'DOWN', Monitor, process, Top, Why} -> Why end,
    [entry(io_lib:format("~p", [Reason]), none)];
steps([Step | Rest], Top) ->
    Answer = do(Step),
    Children = settle(Top, none),
    case is_process_alive(Top) of
        true -> [[events(), " ", Answer, " ", Children] | steps(Rest, Top)];
        false ->
            Reason = receive {'EXIT', Top, Why} -> Why end,
            [[events(), " ", Answer, io_lib:format(" ended ~p", [Reason])]]
    end.

entry(Answer, none) -> [events(), " ", Answer];
entry(Answer, Top) -> Children = settle(Top, none), [events(), " ", Answer, " ", Children].

%% ---- steps

do({exit, s, _}) -> on(s, fun(_) -> "deaf" end); % a supervisor does not listen to strangers
do({exit, Id, Reason}) -> on(Id, fun(Pid) -> ended(Pid, fun() -> Pid ! {exit, Reason} end) end);
do({kill, Id}) -> on(Id, fun(Pid) -> ended(Pid, fun() -> exit(Pid, kill) end) end);
do({terminate, Supervisor, Id}) -> on(Supervisor, fun(Pid) -> answer(supervisor:terminate_child(Pid, Id)) end);
do({restart, Supervisor, Id}) -> on(Supervisor, fun(Pid) -> answer(supervisor:restart_child(Pid, Id)) end);
do({delete, Supervisor, Id}) -> on(Supervisor, fun(Pid) -> answer(supervisor:delete_child(Pid, Id)) end);
do({start, Supervisor, Child}) ->
    on(Supervisor, fun(Pid) -> answer(supervisor:start_child(Pid, spec(Child))) end);
do({refuse, Id, Times}) -> ets:insert(refuse, {Id, Times}), "ok";
do({age, Seconds}) ->
    [on(Id, fun(Pid) -> age(Pid, Seconds) end) || Id <- [top, s]],
    "ok".

on(Id, Do) ->
    case ets:lookup(latest, Id) of
        [{_, Pid}] -> case is_process_alive(Pid) of true -> Do(Pid); false -> "none" end;
        [] -> "none"
    end.

ended(Pid, Do) ->
    Monitor = monitor(process, Pid),
    Do(),
    receive {'DOWN', Monitor, process, Pid, _} -> "done" end.

answer(ok) -> "ok";
answer({ok, _}) -> "ok";
answer({error, {already_started, _}}) -> "already_started";
answer({error, {bad_combination, _}}) -> "bad_spec";
answer({error, Atom}) when Atom =:= not_found; Atom =:= running; Atom =:= restarting; Atom =:= already_present ->
    atom_to_list(Atom);
answer({error, _}) -> "error".

%% Lets time pass without waiting: the restarts that the supervisor remembers become older. `restarts` is the eighth
%% element of its state, which the pattern checks.
age(Pid, Seconds) ->
    sys:replace_state(Pid, fun(State) ->
        state = element(1, State),
        [] = [Restart || Restart <- element(8, State), not is_integer(Restart)],
        setelement(8, State, [Restart - Seconds || Restart <- element(8, State)])
    end).

%% ---- what the supervisors call

init({Strategy, Intensity, Period, AutoShutdown, Children}) ->
    Flags = #{strategy => Strategy, intensity => Intensity, period => Period, auto_shutdown => AutoShutdown},
    {ok, {Flags, [spec(Child) || Child <- Children]}}.

spec({Id, worker, Restart, Significant, Shutdown}) ->
    #{id => Id, start => {?MODULE, start_worker, [Id]}, restart => Restart, significant => Significant,
      shutdown => Shutdown, type => worker};
spec({Id, Supervisor, Restart, Significant, Shutdown}) ->
    #{id => Id, start => {?MODULE, start_supervisor, [Id, Supervisor]}, restart => Restart,
      significant => Significant, shutdown => Shutdown, type => supervisor}.

start_worker(Id) ->
    case refused(Id) of
        true -> {error, refused};
        false ->
            Pid = spawn_link(fun() -> receive {exit, Reason} -> exit(Reason) end end),
            ets:insert(names, {Pid, Id}),
            erlang:trace(Pid, true, [procs, strict_monotonic_timestamp, {tracer, whereis(runner)}]),
            started(Id, Pid)
    end.

start_supervisor(Id, Supervisor) ->
    case refused(Id) of
        true -> {error, refused};
        false ->
            case supervisor:start_link(?MODULE, Supervisor) of
                {ok, Pid} -> started(Id, Pid);
                {error, Reason} -> happened([$!, atom_to_list(Id)]), {error, Reason}
            end
    end.

started(Id, Pid) ->
    ets:insert(latest, {Id, Pid}),
    happened([$+, atom_to_list(Id)]),
    {ok, Pid}.

refused(Id) ->
    case ets:lookup(refuse, Id) of
        [{_, Times}] when Times > 0 ->
            ets:insert(refuse, {Id, Times - 1}),
            happened([$!, atom_to_list(Id)]),
            true;
        _ -> false
    end.

%% ---- what is reported

happened(Event) ->
    runner ! {event, {erlang:monotonic_time(nanosecond), erlang:unique_integer([monotonic])}, Event}.

events() ->
    Delivered = erlang:trace_delivered(all),
    receive {trace_delivered, all, Delivered} -> ok end,
    Events = lists:sort(collect([])),
    [$[, lists:join($\s, [Event || {_, Event} <- Events]), $]].

collect(Events) ->
    receive
        {event, At, Event} -> collect([{At, Event} | Events]);
        {trace_ts, Pid, exit, Reason, At} ->
            [{_, Id}] = ets:lookup(names, Pid),
            collect([{At, [ending(Reason), atom_to_list(Id)]} | Events]);
        {trace_ts, _, _, _, _} -> collect(Events);
        {trace_ts, _, _, _, _, _} -> collect(Events)
    after 0 -> Events
    end.

ending(normal) -> $-;
ending(shutdown) -> $-;
ending({shutdown, _}) -> $-;
ending(_) -> $x.

%% Waits until nothing changes any more: no child is restarting, those that are listed live.
settle(Top, Last) ->
    case look(Top) of
        {true, Now} when Now =:= Last ->
            lists:flatten(text(Now));
        {_, Now} -> erlang:yield(), settle(Top, Now)
    end.

look(Supervisor) ->
    try lists:reverse(supervisor:which_children(Supervisor)) of
        Children ->
            {Quiet, Looks} = lists:unzip([child(Child) || Child <- Children]),
            {lists:all(fun(Is) -> Is end, Quiet), Looks}
    catch exit:_ -> {not is_process_alive(Supervisor), gone}
    end.

child({Id, undefined, _, _}) -> {true, {Id, stopped}};
child({Id, restarting, _, _}) -> {false, {Id, restarting}};
child({Id, Pid, supervisor, _}) -> {Quiet, Below} = look(Pid), {Quiet andalso is_process_alive(Pid), {Id, Pid, Below}};
child({Id, Pid, worker, _}) -> {is_process_alive(Pid), {Id, Pid}}.

text(gone) -> "gone";
text(Children) -> [${, lists:join($\s, [state(Child) || Child <- Children]), $}].

state({Id, stopped}) -> [atom_to_list(Id), "=stopped"];
state({Id, restarting}) -> [atom_to_list(Id), "=restarting"];
state({Id, _, Below}) -> [atom_to_list(Id), $=, text(Below)];
state({Id, _}) -> [atom_to_list(Id), "=running"].
