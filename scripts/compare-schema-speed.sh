#!/usr/bin/env bash
# How long we take to read and check 1,000 files with 10,000 models and enums, against `prisma validate` on the same
# ones. Process against process, in alternating rounds; then compiler against compiler, without the start of node.
#   scripts/compare-schema-speed.sh [rounds]
# The target is that we take less than a fifth. Needs cargo, node and npm, and builds the bench in the release profile.
set -euo pipefail
cd "$(dirname "$0")/.."

ROUNDS=${1:-7}
PRISMA=7.10.1
# The compiler that prisma has inside, as a package of its own; the nearest version that is published.
WASM=7.10.0-7.561d7b42579a2459cc8edf3788918b626c640023
TOOLS="$HOME/.cache/rohas/tools-prisma"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

say() { printf '%s\n' "$*"; }

if [ "$(cat "$TOOLS/node_modules/prisma/package.json" 2>/dev/null | sed -n 's/^  "version": "\(.*\)",$/\1/p')" != "$PRISMA" ]; then
  say "installing prisma $PRISMA in $TOOLS"
  mkdir -p "$TOOLS"
  npm install --prefix "$TOOLS" --ignore-scripts --no-audit --no-fund --loglevel=error \
    "prisma@$PRISMA" "@prisma/prisma-schema-wasm@$WASM" >/dev/null
fi

say "building ours"
bench=$(cargo bench --no-default-features --features cli --bench schema --no-run 2>&1 |
  sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
[ -x "$bench" ] || { say "the bench does not build"; exit 1; }
"$bench" write "$WORK"

ours() { "$bench" check "$WORK/rohas/schema"; }
# The variable only keeps prisma from downloading a database engine, which `validate` does not use.
prisma() {
  (cd "$WORK/prisma" && PRISMA_SCHEMA_ENGINE_BINARY=/bin/true CHECKPOINT_DISABLE=1 PRISMA_HIDE_UPDATE_MESSAGE=1 \
    node "$TOOLS/node_modules/prisma/build/index.js" validate --schema schema)
}
# What every command of prisma costs before it does anything.
prisma_start() {
  CHECKPOINT_DISABLE=1 PRISMA_HIDE_UPDATE_MESSAGE=1 node "$TOOLS/node_modules/prisma/build/index.js" --help
}
# Both must accept the schema, or the comparison means nothing.
ours
prisma 2>&1 | tail -1

# The check of prisma alone, in a process that is already running: `validate` of its WebAssembly module.
cat >"$WORK/wasm.js" <<'JS'
const fs = require('node:fs'), path = require('node:path');
const [tools, folder] = process.argv.slice(2);
const wasm = require(path.join(tools, 'node_modules/@prisma/prisma-schema-wasm'));
const files = fs.readdirSync(folder).map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')]);
const text = JSON.stringify({ prismaSchema: files, noColor: true });
const started = process.hrtime.bigint();
wasm.validate(text);
console.log((Number(process.hrtime.bigint() - started) / 1e6).toFixed(1));
JS
milliseconds() {
  local started ended
  started=$(date +%s%N)
  "$@" >/dev/null 2>&1
  ended=$(date +%s%N)
  echo $(((ended - started) / 1000000))
}
median() { sort -n | awk '{ all[NR] = $1 } END { print (NR % 2) ? all[(NR + 1) / 2] : (all[NR / 2] + all[NR / 2 + 1]) / 2 }'; }

say "measuring $ROUNDS rounds in turns"
for _ in $(seq "$ROUNDS"); do
  milliseconds ours >>"$WORK/ours"
  milliseconds prisma >>"$WORK/peer"
  milliseconds prisma_start >>"$WORK/peer_start"
  ours | sed 's/.*compiled in \(.*\) ms/\1/' >>"$WORK/ours_alone"
  node "$WORK/wasm.js" "$TOOLS" "$WORK/prisma/schema" >>"$WORK/peer_alone"
done

report() {
  awk -v what="$1" -v ours="$(median <"$2")" -v peer="$(median <"$3")" 'BEGIN {
    printf "%-34s ours %8.1f ms   prisma %8.1f ms   ratio %.3f (1/%.1f)\n", what, ours, peer, ours / peer, peer / ours }'
}
say ""
say "10,000 items in 1,000 files, median of $ROUNDS rounds:"
report "process against process" "$WORK/ours" "$WORK/peer"
say "(of that, prisma needs $(median <"$WORK/peer_start") ms to print its help)"
report "compiler alone, files in memory" "$WORK/ours_alone" "$WORK/peer_alone"
