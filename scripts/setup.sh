#!/usr/bin/env bash
# Puts in place what a build and the example need, and nothing that is there already: system packages, the V8 archive,
# the example's npm packages and virtual environment, the tools of the tests. Run by `make setup`; safe to run at any
# time, silent when done.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# ---- system packages

# `libclang-cpp` is another library, which clang alone brings along.
has_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] ||
    compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null ||
    compgen -G '/usr/lib*/libclang.so*' >/dev/null ||
    compgen -G '/Library/Developer/CommandLineTools/usr/lib/libclang*' >/dev/null ||
    [ -d /Applications/Xcode.app ]
}

missing_packages() {
  have cmake || echo cmake                  # builds aws-lc, for the crates under deno_runtime
  has_libclang || echo libclang-dev         # bindgen
  { have c++ || have g++ || have clang++; } || echo g++
  have git || echo git                      # the tidy test asks which files are tracked
  have curl || echo curl                    # the README's tour
  have node || echo nodejs
  have npm || echo npm
  have escript || echo erlang-base          # supervisors are compared with OTP's
  have python3 || echo python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

install_packages() {
  local packages as_root
  mapfile -t packages < <(missing_packages)
  [ "${#packages[@]}" -gt 0 ] || return 0
  have apt-get || die "these are missing (Debian's package names), install them: ${packages[*]}"
  if [ "$(id -u)" -eq 0 ]; then
    as_root=(env)
  elif have sudo && sudo -n true 2>/dev/null; then
    as_root=(sudo -n env)
  else
    die "these packages are missing and only root can install them: apt-get install ${packages[*]}"
  fi
  say "installing ${packages[*]}"
  as_root+=(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
  "${as_root[@]}" update </dev/null >/dev/null
  "${as_root[@]}" install --yes --no-install-recommends "${packages[@]}" </dev/null >/dev/null
}

# ---- V8

# The v8 crate looks here before it downloads; see third_party/v8/README.md. A machine that can reach the crate's own
# download needs none of this, and other platforms have no archive here.
V8_VERSION=150.4.0
V8_FOLDER=third_party/v8
V8_ARCHIVE=librusty_v8_simdutf_release_x86_64-unknown-linux-gnu.a.gz
V8_CACHED=https___github_com_denoland_rusty_v8_releases_download_v150_4_0_librusty_v8_simdutf_release_x86_64_unknown_linux_gnu_a_gz

place_v8() {
  [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || return 0
  local locked cache temporary
  locked=$(sed -n '/^name = "v8"$/{n;s/^version = "\(.*\)"$/\1/p;}' Cargo.lock)
  if [ "$locked" != "$V8_VERSION" ]; then
    say "warning: Cargo.lock has v8 ${locked:-nowhere}, $V8_FOLDER has $V8_VERSION; the build downloads its own"
    return 0
  fi
  if [ ! -f "$V8_FOLDER/$V8_ARCHIVE" ]; then
    say "warning: $V8_FOLDER has no archive; the build downloads its own"
    return 0
  fi
  (cd "$V8_FOLDER" && sha256sum --check --quiet SHA256SUMS) ||
    die "$V8_FOLDER/$V8_ARCHIVE is damaged: check it out again"
  cache="${CARGO_HOME:-$HOME/.cargo}/.rusty_v8"
  if cmp -s "$V8_FOLDER/$V8_ARCHIVE" "$cache/$V8_CACHED"; then
    return 0
  fi
  say "placing V8 $V8_VERSION in $cache (not needed where the crate can download it)"
  mkdir -p "$cache"
  temporary=$(mktemp "$cache/.placing.XXXXXX")
  trap 'rm -f "${temporary:-}"' EXIT
  cp "$V8_FOLDER/$V8_ARCHIVE" "$temporary"
  chmod 644 "$temporary"
  mv -f "$temporary" "$cache/$V8_CACHED"
}

# ---- the example

EXAMPLE=examples/shop/app

install_npm() {
  local lock="$EXAMPLE/package-lock.json" installed="$EXAMPLE/node_modules/.package-lock.json"
  [ -f "$lock" ] || return 0
  if [ -f "$installed" ] && [ ! "$lock" -nt "$installed" ]; then
    return 0
  fi
  say "npm packages of $EXAMPLE"
  npm ci --prefix "$EXAMPLE" --no-audit --no-fund --no-update-notifier --loglevel=error </dev/null >/dev/null
  touch "$installed"
}

install_pip() {
  local wanted="$EXAMPLE/requirements.txt" venv="$EXAMPLE/.venv"
  [ -f "$wanted" ] || return 0
  if [ -f "$venv/.installed" ] && [ ! "$wanted" -nt "$venv/.installed" ] && "$venv/bin/python" -c ''; then
    return 0
  fi
  say "virtual environment of $EXAMPLE"
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || python3 -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check -r "$wanted" </dev/null
  touch "$venv/.installed"
}

have cargo || die "there is no Rust toolchain: see https://rustup.rs"
install_packages
place_v8
install_npm
install_pip
scripts/tools.sh
