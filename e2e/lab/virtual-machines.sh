#!/usr/bin/env bash
# Three or more Debian hosts with kernels of their own for `npm run lab -- --hosts e2e/lab/virtual-machines.sh`: a restart
# is a real one, and systemd keeps cgroups (version 2) as on any server. Needs root on Debian with KVM, qemu-system-x86_64,
# debootstrap and ssh; LAB_DIR holds disks and keys (about 1 GiB a host). What it is told: docs/reports/lab.md.
set -euo pipefail
state=${LAB_DIR:-/var/tmp/opsconductor-virtual-machines}
bridge=ocvm0 net=10.99.77
mkdir -p "$state" && chmod 700 "$state"

build() {
  [ -e "$state/base.ext4" ] && return
  local root=$state/root
  rm -rf "$root"
  debootstrap --variant=minbase \
    --include=systemd,systemd-sysv,dbus,udev,linux-image-cloud-amd64,ca-certificates,curl,procps,iproute2,openssh-server,sudo,xz-utils \
    bookworm "$root" >"$state/debootstrap.log"
  [ -e "$state/key" ] || ssh-keygen -q -t ed25519 -N '' -f "$state/key"
  install -D -m 600 "$state/key.pub" "$root/root/.ssh/authorized_keys"
  # The first network is the hosts' own, which can be cut; the second is for `exec` alone.
  local i
  for i in $(seq 9); do
    printf '[Match]\nMACAddress=52:54:00:77:00:0%s\n[Network]\nAddress=%s.%s/24\n' "$i" "$net" "$((10 + i))" \
      >"$root/etc/systemd/network/lab$i.network"
    printf '[Match]\nMACAddress=52:54:00:77:01:0%s\n[Network]\nAddress=10.0.2.15/24\n' "$i" \
      >"$root/etc/systemd/network/exec$i.network"
  done
  chroot "$root" systemctl enable --quiet systemd-networkd
  rm -f "$root/etc/hostname"
  cp "$root"/boot/vmlinuz-* "$state/vmlinuz" && cp "$root"/boot/initrd.img-* "$state/initrd"
  truncate -s 3G "$state/base.new" && mkfs.ext4 -q -d "$root" "$state/base.new"
  mv "$state/base.new" "$state/base.ext4" && rm -rf "$root"
}
join() { # HOST: its end of the bridge
  [ -e "/sys/class/net/$bridge" ] || { ip link add "$bridge" type bridge && ip addr add "$net.1/24" dev "$bridge" && ip link set "$bridge" up; }
  [ -e "/sys/class/net/ocvm0lab$1" ] || ip tuntap add dev "ocvm0lab$1" mode tap
  ip link set "ocvm0lab$1" master "$bridge" up
}
runs() { [ -e "$state/lab$1.pid" ] && kill -0 "$(cat "$state/lab$1.pid")" 2>/dev/null; }
boot() {
  runs "$1" && return
  join "$1"
  # Detached from whoever asked: a group that is killed must not take the machine along.
  setsid qemu-system-x86_64 -accel "${LAB_ACCEL:-kvm}" -cpu "${LAB_CPU:-host}" -m 1024 -smp 1 -display none -monitor none \
    -serial "file:$state/lab$1.log" -pidfile "$state/lab$1.pid" -daemonize \
    -kernel "$state/vmlinuz" -initrd "$state/initrd" \
    -append "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet systemd.hostname=lab$1" \
    -drive "file=$state/lab$1.ext4,if=virtio,format=raw" -device virtio-rng-pci \
    -netdev "tap,id=n0,ifname=ocvm0lab$1,script=no,downscript=no" -device "virtio-net-pci,netdev=n0,mac=52:54:00:77:00:0$1" \
    -netdev "user,id=n1,restrict=on,hostfwd=tcp:127.0.0.1:$((27700 + $1))-:22" \
    -device "virtio-net-pci,netdev=n1,mac=52:54:00:77:01:0$1"
}
enter() { # HOST COMMAND…
  local host=$1 && shift
  runs "$host" || return 255
  ssh -q -i "$state/key" -p $((27700 + host)) -o ConnectTimeout=3 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1 "$(printf '%q ' "$@")"
}
off() {
  ! runs "$1" || kill -KILL "$(cat "$state/lab$1.pid")"
  while runs "$1"; do sleep 0.1; done
  rm -f "$state/lab$1.pid"
}
case ${1:-} in
up)
  build
  for i in $(seq "${2:?how many}"); do
    [ -e "$state/lab$i.ext4" ] || cp --sparse=always --reflink=auto "$state/base.ext4" "$state/lab$i.ext4"
    boot "$i"
  done
  for i in $(seq "$2"); do
    for _ in $(seq 600); do
      case $(enter "$i" systemctl is-system-running 2>/dev/null || true) in running | degraded) break ;; esac
      sleep 0.5
    done
    enter "$i" hostname
  done
  ;;
exec) i=$2 && shift 2 && enter "$i" "$@" ;;
ip) echo "$net.$((10 + ${2:?which}))" ;;
cut) ip link set "ocvm0lab${2:?which}" down ;;
heal) ip link set "ocvm0lab${2:?which}" up ;;
kill) off "${2:?which}" ;;
boot) boot "${2:?which}" ;;
gateway) echo "$net.1" ;;
down)
  for i in $(seq 9); do
    off "$i" && rm -f "$state/lab$i.ext4" "$state/lab$i.log"
    [ ! -e "/sys/class/net/ocvm0lab$i" ] || ip link delete "ocvm0lab$i"
  done
  [ ! -e "/sys/class/net/$bridge" ] || ip link delete "$bridge"
  ;;
*) sed -n '2,4p' "$0" && exit 2 ;;
esac
