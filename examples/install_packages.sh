#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs with apt what tenon needs and is not there: install_packages.sh [--yes] [--optional] GROUP...
#
#   chat     compiler, cmake, ninja and the libraries of the examples
#   test     chat, and what the tests need
#   clang    clang 16
#   venv     what `python3 -m venv` needs
#   clients  venv, and the programs that the server is tested with; their services are not started
#
# Says what it will install before it does, and asks on a terminal unless --yes is given. It removes no package without
# --yes or an answer: Debian's libboost1.74-dev and libboost1.81-dev exclude each other.
# With nothing missing it does not call apt. With --optional a package that apt does not have is status 3, not an error.
set -u

yes=0
optional=0
groups=()
for argument in "$@"; do
  case $argument in
    --yes) yes=1 ;;
    --optional) optional=1 ;;
    chat | test | clang | venv | clients) groups+=("$argument") ;;
    *) echo "install_packages.sh: unknown argument '$argument'" >&2; exit 2 ;;
  esac
done

fail() { echo "install_packages.sh: $*" >&2; exit 1; }

wants() { [[ " ${groups[*]} " == *" $1 "* ]]; }

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# The Boost components as the version-free middle of their package names.
boost_parts() {
  echo json program-options
  if wants test; then echo test; fi
}

# The newest installed Boost, 1.81 or newer, whose JSON library can be built with; or nothing.
installed_boost() {
  dpkg-query -W -f '${Package} ${db:Status-Status}\n' 'libboost-json1.*-dev' 2>/dev/null |
    sed -n 's/^libboost-json\(1\.[0-9]*\)-dev installed$/\1/p' | sort -V | tail -n 1
}

# The Boost that apt offers: the system's own if that is 1.81 or newer, or else the oldest that is; or nothing.
offered_boost() {
  local own versions
  own=$(apt-cache depends libboost-dev 2>/dev/null | sed -n 's/.*Depends: libboost\(1\.[0-9]*\)-dev$/\1/p' | head -n 1)
  versions=$(apt-cache pkgnames libboost-json1. 2>/dev/null | sed -n 's/^libboost-json\(1\.[0-9]*\)-dev$/\1/p' |
    awk -F. '$1 == 1 && $2 >= 81' | sort -V)
  if [[ -n $own ]] && grep -qxF "$own" <<< "$versions"; then echo "$own"; else head -n 1 <<< "$versions"; fi
}

# Tools count as there if their command is, wherever it came from; libraries are asked of dpkg.
missing_tools() {
  command -v "${CXX:-c++}" > /dev/null || echo g++
  command -v cmake > /dev/null || echo cmake
  command -v ninja > /dev/null || echo ninja-build
  command -v pkg-config > /dev/null || echo pkg-config
  if wants test; then command -v python3 > /dev/null || echo python3; fi
  if wants clang; then command -v clang++-16 > /dev/null || echo clang-16; fi
  if wants venv; then python3 -c 'import ensurepip' 2> /dev/null || echo python3-venv; fi
  if wants clients; then
    local tool
    for tool in nginx haproxy prometheus chromium wrk slowhttptest curl openssl; do
      PATH=$PATH:/usr/sbin command -v "$tool" > /dev/null || echo "$tool"
    done
  fi
}

missing_libraries() {
  local package
  for package in libc6-dev libutf8proc-dev; do installed "$package" || echo "$package"; done
  if wants test; then
    for package in libeigen3-dev libpcre2-dev; do installed "$package" || echo "$package"; done
  fi
}

missing_boost() {  # version
  local part
  for part in $(boost_parts); do installed "libboost-$part$1-dev" || echo "libboost-$part$1-dev"; done
}

as_root() {
  if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

need_root() {
  [[ $(id -u) -eq 0 ]] || command -v sudo > /dev/null ||
    fail "packages must be installed (${packages[*]:-see above}), and there is no sudo: run this as root"
}

confirm() {  # question, default answer
  local answer
  [[ $yes -eq 1 ]] && return 0
  read -r -p "$1 " answer || return 1
  [[ ${answer:-$2} == [Yy]* ]]
}

[[ ${#groups[@]} -gt 0 ]] || fail "expected a group of packages: chat, test, clang, venv or clients"
if wants test && ! wants chat; then groups+=(chat); fi
if wants clients && ! wants venv; then groups+=(venv); fi

if ! command -v dpkg-query > /dev/null; then
  packages=($(missing_tools))
  [[ ${#packages[@]} -eq 0 ]] ||
    fail "no apt on this system, and these are missing: ${packages[*]}; install them, and Boost 1.81 or newer (JSON, Program_options, Test), utf8proc, Eigen 3.4 and PCRE2"
  exit 0
fi

boost=$(installed_boost)
[[ -n $boost ]] && [[ ${boost#1.} -lt 81 ]] && boost=
packages=($(missing_tools))
if wants chat; then packages+=($(missing_libraries)); fi
if wants chat && [[ -n $boost ]]; then packages+=($(missing_boost "$boost")); fi
if [[ ${#packages[@]} -eq 0 ]] && { ! wants chat || [[ -n $boost ]]; }; then exit 0; fi

command -v apt-get > /dev/null || fail "no apt-get on this system, and these are missing: ${packages[*]} and Boost 1.81 or newer"
export DEBIAN_FRONTEND=noninteractive

# A bare system has no package lists yet, and without them no version of Boost can be chosen.
if ! apt-cache show libutf8proc-dev > /dev/null 2>&1; then
  need_root
  echo "Package lists are needed to choose versions: apt-get update"
  as_root apt-get update -qq || fail "apt-get update failed"
fi
if wants chat && [[ -z $boost ]]; then
  boost=$(offered_boost)
  [[ -n $boost ]] || fail "tenon needs Boost 1.81 or newer, and apt offers none here: use Debian 12, Ubuntu 24.04 or newer"
  packages+=($(missing_boost "$boost"))
fi

simulate() { apt-get -s install --no-install-recommends "${packages[@]}" 2>&1; }
if ! plan=$(simulate); then
  [[ $optional -eq 1 ]] && { echo "apt cannot install ${packages[*]} here"; exit 3; }
  fail "apt cannot install ${packages[*]}:"$'\n'"$plan"
fi
removed=($(sed -n 's/^Remv \([^ ]*\).*/\1/p' <<< "$plan"))
added=$(grep -c '^Inst ' <<< "$plan")

echo "tenon needs packages that are not installed: ${packages[*]}"
echo "apt will install them, $added packages with what they depend on."
need_root
if [[ ${#removed[@]} -gt 0 ]]; then
  echo "They exclude packages that ARE installed. apt will REMOVE: ${removed[*]}"
  if [[ $yes -eq 0 && ! -t 0 ]]; then
    fail "nothing was installed or removed: there is no terminal to ask on. Run this with --yes to agree, or remove them yourself"
  fi
  confirm "Remove ${#removed[@]} and install $added packages? [y/N]" n || fail "nothing was installed or removed"
elif [[ -t 0 ]]; then
  confirm "Install them? [Y/n]" y || fail "nothing was installed"
fi

# Packages of servers start them, and for tests nobody wants that: Debian asks this file first.
policy=/usr/sbin/policy-rc.d
cleanup() {
  rm -f "$log"
  if [[ -n ${policy_made:-} ]]; then as_root rm -f "$policy"; fi
}

install_all() { as_root apt-get install -y -qq --no-install-recommends "${packages[@]}" > "$log" 2>&1 < /dev/null; }
log=$(mktemp)
trap cleanup EXIT
if wants clients && [[ ! -e $policy ]]; then
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null && as_root chmod +x "$policy" && policy_made=1
fi
if ! install_all; then
  # Old package lists name files that are gone.
  echo "The package lists may be old: apt-get update, then once more"
  as_root apt-get update -qq && simulate | grep '^Remv ' | sort > "$log.removals"
  if [[ $(wc -l < "$log.removals") -ne ${#removed[@]} ]]; then
    rm -f "$log.removals"
    fail "with new package lists apt would remove other packages than those named above: run this again"
  fi
  rm -f "$log.removals"
  install_all || { cat "$log" >&2; fail "apt-get install failed"; }
fi
echo "Installed."
