#!/bin/sh
# Installs the executable beside this script, with its service, manual and completion: 'install.sh --dry-run' says what it would do.
# All options are those of 'mcr-appliance install'; '--uninstall' first takes it away again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
verb=install
if [ "${1:-}" = --uninstall ]; then
	verb=uninstall
	shift
fi
if "$here/mcr-appliance" --version >/dev/null 2>&1; then
	exec "$here/mcr-appliance" "$verb" "$@"
fi
echo "install.sh: mcr-appliance does not start on this machine ($(uname -m))." >&2
echo "There is an archive for x64 and one for arm64, each for glibc and for musl (Alpine, OpenWrt); musl needs libstdc++ too." >&2
"$here/mcr-appliance" --version >&2 || exit 69
