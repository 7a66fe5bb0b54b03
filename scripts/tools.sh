#!/usr/bin/env bash
# Puts what the tests run (compilers, type checkers, validators from npm and PyPI) into a cache folder outside of every
# checkout. Called by setup.sh; safe to run at any time, silent when done. Tests find it as $ROHAS_TOOLS or there.
set -euo pipefail
cd "$(dirname "$0")/../tests/tools"

TOOLS="${ROHAS_TOOLS:-$HOME/.cache/rohas/tools}"
mkdir -p "$TOOLS"

say() { printf 'tools: %s\n' "$*"; }

# Several checkouts on one machine share the folder: one installs, the others wait.
if command -v flock >/dev/null 2>&1; then
  exec 9>"$TOOLS/.lock"
  flock 9
fi

# What is there holds when it was made from the same list: it is compared by content, for a checkout changes the times.
install_npm() {
  cmp -s package-lock.json "$TOOLS/package-lock.json" && [ -f "$TOOLS/.npm-done" ] && return 0
  say "npm packages in $TOOLS"
  rm -f "$TOOLS/.npm-done"
  cp package.json package-lock.json "$TOOLS/"
  npm ci --prefix "$TOOLS" --no-audit --no-fund --no-update-notifier --loglevel=error </dev/null >/dev/null
  touch "$TOOLS/.npm-done"
}

install_pip() {
  local venv="$TOOLS/venv"
  cmp -s requirements.txt "$TOOLS/requirements.txt" && [ -f "$TOOLS/.pip-done" ] && "$venv/bin/python" -c '' && return 0
  say "virtual environment in $TOOLS"
  rm -f "$TOOLS/.pip-done"
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || python3 -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check -r requirements.txt </dev/null
  cp requirements.txt "$TOOLS/"
  touch "$TOOLS/.pip-done"
}

install_npm
install_pip
