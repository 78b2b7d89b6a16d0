#!/bin/sh
# Installs the OpsConductor agent on this host, makes it a member of the cluster and starts it. Run it again to upgrade.
#
#   sudo sh install.sh --join TOKEN [--name NAME]     install and enrol
#   sudo sh install.sh                                upgrade an enrolled host
#   sudo sh install.sh --uninstall [--purge]          remove it; --purge forgets who this host was
#
# The controller fills in the lines between the marks. The archive is believed by its sha256 alone, which is why the
# command that you copied checks the sha256 of this script.
set -eu

# -- filled in by the controller
url='@URL@'
server='@SERVER@'
version='@VERSION@'
packages='@PACKAGES@'
# -- end

prefix=/opt/opsconductor-agent
state=/var/lib/opsconductor-agent
link=/usr/local/bin/opsconductor-agent
unit=/etc/systemd/system/opsconductor-agent.service
steps=/etc/systemd/system/opsconductor-steps.service
join='' name='' uninstall=no purge=no force=''

say() { printf '%s\n' "$*"; }
die() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}
usage() {
  sed -n '4,6s/^#  *//p' "$0" 2>/dev/null || say "install.sh --join TOKEN [--name NAME] | --uninstall [--purge]"
}

main() {
  while [ $# -gt 0 ]; do
    case $1 in
      --join) join=${2:?--join needs a token} && shift 2 ;;
      --join=*) join=${1#*=} && shift ;;
      --name) name=${2:?--name needs a name} && shift 2 ;;
      --name=*) name=${1#*=} && shift ;;
      --server) server=${2:?--server needs host:port} && shift 2 ;;
      --server=*) server=${1#*=} && shift ;;
      --force) force=--force && shift ;;
      --uninstall) uninstall=yes && shift ;;
      --purge) purge=yes && shift ;;
      -h | --help) usage && exit 0 ;;
      *) usage >&2 && die "unknown option: $1" ;;
    esac
  done
  [ "$(id -u)" = 0 ] || die "run this as root, for example with sudo"
  if [ "$uninstall" = yes ]; then
    remove
  else
    install
  fi
}

install() {
  [ -n "$join" ] || [ -e "$state/identity.json" ] || die "this host is not enrolled yet: pass --join TOKEN"
  choose_package
  fetch_package
  place_files
  enroll
  if [ -d /run/systemd/system ]; then
    start_with_systemd
    wait_until_online
  else
    explain_without_systemd
  fi
}

# Sets $platform, $sha256.
choose_package() {
  case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) die "no agent for $(uname -s)" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) die "no agent for processors of type $(uname -m)" ;;
  esac
  platform=$os-$arch
  if [ "$os" = linux ] && ls /lib/ld-musl-* >/dev/null 2>&1 && ! ls /lib*/ld-linux-* >/dev/null 2>&1; then
    die "this host uses musl (Alpine and the like), and the agent's Node needs glibc"
  fi
  sha256=$(printf '%s\n' "$packages" | sed -n "s/^$platform //p")
  [ -n "$sha256" ] || die "this controller has no agent for $platform; it has: $(printf '%s\n' "$packages" | sed 's/ .*//' | tr '\n' ' ')"
}

fetch_package() {
  place=$prefix/versions/$(printf '%s' "$sha256" | cut -c1-16)
  if [ -x "$place/bin/node" ]; then
    say "The agent $version is here already."
    return
  fi
  work=$(mktemp -d "${TMPDIR:-/tmp}/opsconductor.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  say "Downloading the agent $version for $platform from $url"
  download "$url/packages/opsconductor-agent-$platform.tar.gz" "$work/agent.tar.gz" ||
    die "the download failed. Check that this host reaches $url (firewall, proxy, name), then run this again."
  [ "$(sha256_of "$work/agent.tar.gz")" = "$sha256" ] ||
    die "the downloaded archive is not the one that this script names: it was changed on the way, or the controller was upgraded meanwhile. Copy the command again from the console."
  mkdir -p "$place.new"
  tar -xzf "$work/agent.tar.gz" -C "$place.new"
  rm -rf "$place"
  mv "$place.new" "$place"
}

# The certificate is not checked here (hosts do not know the cluster's authority yet): the sha256 is.
download() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSLk --retry 3 --connect-timeout 15 -o "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q --no-check-certificate --tries=3 --timeout=30 -O "$2" "$1"
  else
    die "neither curl nor wget is installed: install one of them"
  fi
}

sha256_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1" | cut -d' ' -f1
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 "$1" | cut -d' ' -f1
  else
    openssl dgst -sha256 "$1" | sed 's/.*= *//'
  fi
}

# The version before stays: steps that are running may still use its files.
place_files() {
  before=$(readlink "$prefix/current" 2>/dev/null || true)
  ln -sfn "$place" "$prefix/current"
  mkdir -p "$(dirname "$link")"
  ln -sfn "$prefix/current/bin/opsconductor-agent" "$link"
  for old in "$prefix"/versions/*; do
    case $old in
      "$place" | "$before") ;;
      *) rm -rf "$old" ;;
    esac
  done
  mkdir -p "$state"
  chmod 700 "$state"
}

enroll() {
  if [ -z "$join" ]; then return; fi
  # shellcheck disable=SC2086 # $force is empty or one word
  if [ -n "$name" ]; then
    "$prefix/current/bin/opsconductor-agent" enroll --state-dir "$state" --join "$join" --server "$server" --name "$name" $force || cannot_enroll
  else
    "$prefix/current/bin/opsconductor-agent" enroll --state-dir "$state" --join "$join" --server "$server" $force || cannot_enroll
  fi
}

cannot_enroll() {
  say "" >&2
  say "The host was not enrolled; nothing is running. Check, in this order:" >&2
  say "  - the message above: a token serves once and for a limited time; make a new one in the console" >&2
  say "  - that this host reaches $server over TCP: it dials out, nothing needs to reach it" >&2
  say "  - that the clock is right: $(date -u '+%Y-%m-%d %H:%M:%S') UTC" >&2
  die "then run the new command"
}

start_with_systemd() {
  # The cgroup of the steps: their limits hold while the agent is restarted. Stopping it ends every step at once.
  cat >"$steps" <<UNIT
[Unit]
Description=Steps that the OpsConductor agent runs
Documentation=$url/docs

[Service]
ExecStart=/bin/sleep infinity
Restart=always
Delegate=yes
OOMPolicy=continue
TasksMax=infinity
UNIT
  cat >"$unit" <<UNIT
[Unit]
Description=OpsConductor agent
Documentation=$url/docs
Wants=network-online.target opsconductor-steps.service
After=network-online.target opsconductor-steps.service
# Never given up: what runs on this host is told by an agent only.
StartLimitIntervalSec=0

[Service]
ExecStart=$prefix/current/bin/opsconductor-agent run --state-dir $state
Restart=always
# 1 s after the first end, up to 10 s while it ends again and again (systemd before 254 keeps to 1 s).
RestartSec=1
RestartSteps=5
RestartMaxDelaySec=10
# Steps outlive the agent: a restart or an upgrade stops its own process only, and each step may have a cgroup below.
KillMode=process
Delegate=yes
OOMPolicy=continue
Environment=OC_CGROUP=../opsconductor-steps.service
TasksMax=infinity
LimitNOFILE=65536
UMask=0077

[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable --quiet opsconductor-agent.service
  systemctl start opsconductor-steps.service
  systemctl restart opsconductor-agent.service
}

wait_until_online() {
  waited=0
  while [ "$waited" -lt 30 ]; do
    if "$link" status --state-dir "$state" --json 2>/dev/null | grep -q '"online": true'; then
      say "The agent is online."
      return
    fi
    sleep 1
    waited=$((waited + 1))
  done
  say "The agent runs and is not online yet. It keeps trying. What it says:" >&2
  "$link" status --state-dir "$state" >&2 || true
  say "See also: journalctl -u opsconductor-agent -n 50" >&2
  exit 1
}

explain_without_systemd() {
  say "The agent is installed and enrolled. This host has no systemd, so start it yourself, as root and at every boot:"
  say "  $link run --state-dir $state"
}

remove() {
  if [ -d /run/systemd/system ] && [ -e "$unit" ]; then
    systemctl disable --now --quiet opsconductor-agent.service || true
    systemctl stop --quiet opsconductor-steps.service || true
    rm -f "$unit" "$steps"
    systemctl daemon-reload
  fi
  rm -rf "$prefix"
  rm -f "$link"
  if [ "$purge" = yes ]; then rm -rf "$state" "$state-steps"; fi
  say "The agent is removed. Revoke it in the console, so that its identity is worth nothing."
  if [ -d "$state" ]; then say "Its identity and journal are still in $state (--purge removes them)."; fi
}

# Nothing runs before the whole script has arrived.
main "$@"
