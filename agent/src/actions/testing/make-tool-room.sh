#!/bin/sh
# Makes a folder with the real package managers, OpenRC, an SNMP daemon and databases in it, and small sources of packages
# for them. Called by scripts/tools.mjs as root: make-tool-room.sh FOLDER [APK-PROGRAM]. A second time it does nothing.
set -eu
room=$1 apk=${2:-}
like=$(cksum <"$0")
if [ -e "$room/.made" ]; then
  [ "$(cat "$room/.made")" != "$like" ] || exit 0
  echo "$room was made by another version of $0: remove it, or name another folder with --room" >&2
  exit 1
fi
if [ ! -e "$room/usr/bin/dnf" ]; then
  debootstrap --variant=minbase \
    --include=ca-certificates,dnf,rpm,createrepo-c,zypper,openrc,snmpd,openssl,libssl3,zlib1g,python3,procps,dpkg-dev,mariadb-server,postgresql \
    bookworm "$room"
fi
if [ -n "$apk" ]; then cp "$apk" "$room/sbin/apk" && cp -P "$(dirname "$apk")"/libapk.so* "$room/usr/lib/" || true; fi
# This rpm would keep a database of its own for each user.
mkdir -p "$room/etc/rpm" "$room/etc/yum.repos.d" "$room/etc/zypp/repos.d"
echo '%_dbpath /var/lib/rpm' >"$room/etc/rpm/macros"
printf '[oc]\nname=oc\nbaseurl=file:///srv/rpm\ngpgcheck=0\nenabled=1\n' >"$room/etc/yum.repos.d/oc.repo"
cp "$room/etc/yum.repos.d/oc.repo" "$room/etc/zypp/repos.d/oc.repo"
rm -rf "$room/etc/apt/sources.list.d" && echo 'deb [trusted=yes] file:/srv/deb ./' >"$room/etc/apt/sources.list"
ln -sf "$(cd "$room" && echo usr/lib/postgresql/*/bin | sed 's|^usr|..|')/postgres" "$room/usr/bin/postgres"
ln -sf "$(cd "$room" && echo usr/lib/postgresql/*/bin | sed 's|^usr|..|')/initdb" "$room/usr/bin/initdb"
# A service that is up while its file is there, for OpenRC as if it had started the host.
for state in daemons exclusive failed hotplugged inactive options scheduled started starting stopping tmp wasinactive; do
  mkdir -p "$room/run/openrc/$state"
done
touch "$room/run/openrc/softlevel"
cat >"$room/etc/init.d/oc-test" <<'SERVICE'
#!/sbin/openrc-run
extra_started_commands="reload"
start() { echo start >>/run/oc-test.log && touch /run/oc-test.up; }
stop() { echo stop >>/run/oc-test.log && rm -f /run/oc-test.up; }
reload() { echo reload >>/run/oc-test.log; }
status() {
  service_started || return 3
  [ -e /run/oc-test.up ] || return 32
}
SERVICE
chmod 755 "$room/etc/init.d/oc-test"
cat >"$room/make-sources" <<'INSIDE'
set -eu
each() { # the same three packages for every manager: an application in two versions, what it needs, and another
  "$1" oc-lib 1.0 ""
  "$1" oc-app 1.0 oc-lib
  "$1" oc-app 1.1 oc-lib
  "$1" oc-other 2.0 ""
}
content() { mkdir -p "$1/opt/$2" && echo "$3" >"$1/opt/$2/version"; }

make_deb() {
  t=$(mktemp -d) && content "$t" "$1" "$2" && mkdir "$t/DEBIAN"
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: lab <lab@example.org>\nDescription: of the tests\n' \
    "$1" "$2" >"$t/DEBIAN/control"
  [ -z "$3" ] || echo "Depends: $3" >>"$t/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$t" "/srv/deb/$1_$2.deb" >/dev/null
}
make_rpm() {
  t=$(mktemp -d) && content "$t/files" "$1" "$2"
  printf 'Name: %s\nVersion: %s\nRelease: 1\nSummary: of the tests\nLicense: MIT\nBuildArch: noarch\n' "$1" "$2" >"$t/spec"
  [ -z "$3" ] || echo "Requires: $3" >>"$t/spec"
  printf '%%description\nof the tests\n%%install\ncp -r %s/files/. %%{buildroot}\n%%files\n/opt/%s\n' "$t" "$1" >>"$t/spec"
  rpmbuild -bb --quiet --define '_rpmdir /srv/rpm' "$t/spec" 2>/dev/null
}
sign() { # the file with a signature before it: a tar without its end, as apk reads it
  s=$(mktemp -d) && openssl dgst -sha1 -sign /root/oc.rsa -out "$s/.SIGN.RSA.oc.rsa.pub" "$1"
  tar -C "$s" --format=ustar --owner=0 --group=0 -b1 -c .SIGN.RSA.oc.rsa.pub | head -c -1024 | gzip -n >"$s/signed"
  cat "$s/signed" "$1"
}
make_apk() {
  t=$(mktemp -d) && content "$t/files" "$1" "$2"
  python3 - "$t" <<'PYTHON'
import hashlib, os, sys, tarfile
top = sys.argv[1]
def header(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    if entry.isfile():
        data = open(os.path.join(top, "files", entry.name), "rb").read()
        entry.pax_headers = {"APK-TOOLS.checksum.SHA1": hashlib.sha1(data).hexdigest()}
    return entry
with tarfile.open(top + "/data", "w:gz", format=tarfile.PAX_FORMAT) as tar:
    tar.add(top + "/files/opt", "opt", filter=header)
PYTHON
  { printf 'pkgname = %s\npkgver = %s-r0\npkgdesc = of the tests\nurl = https://example.org\nsize = 10\n' "$1" "$2"
    printf 'arch = x86_64\nlicense = MIT\ndatahash = %s\n' "$(sha256sum "$t/data" | cut -d ' ' -f 1)"
    [ -z "$3" ] || echo "depend = $3"; } >"$t/.PKGINFO"
  tar -C "$t" --format=ustar --owner=0 --group=0 -b1 -c .PKGINFO | head -c -1024 | gzip -n >"$t/control"
  { sign "$t/control" && cat "$t/data"; } >"/srv/apk/x86_64/$1-$2-r0.apk"
}

rm -rf /srv/deb /srv/rpm /srv/apk && mkdir -p /srv/deb /srv/rpm /srv/apk/x86_64
each make_deb && cd /srv/deb && dpkg-scanpackages -m . >Packages 2>/dev/null
each make_rpm && createrepo_c -q /srv/rpm
# This zypper cannot read a database without any package.
make_rpm oc-base 1.0 "" && rpm -U --force --nodeps /srv/rpm/noarch/oc-base-*.rpm 2>/dev/null
command -v apk >/dev/null || exit 0
mkdir -p /etc/apk/keys && openssl genrsa -out /root/oc.rsa 2048 2>/dev/null
openssl rsa -in /root/oc.rsa -pubout -out /etc/apk/keys/oc.rsa.pub 2>/dev/null
each make_apk && cd /srv/apk/x86_64 && apk index -q -o /tmp/index ./*.apk && sign /tmp/index >APKINDEX.tar.gz
echo x86_64 >/etc/apk/arch && echo /srv/apk >/etc/apk/repositories && apk -q add --initdb
INSIDE
chroot "$room" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root sh /make-sources
echo "$like" >"$room/.made"
