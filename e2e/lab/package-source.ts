// A source of packages for apt, with one package that is a small web server; its versions are published one after the
// other. A file on a host makes a version fail there, or ask for a restart. Called by the proofs.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";

const name = "lab-web";
const server = `#!/usr/bin/perl
use strict;
use IO::Socket::INET;
my $listen = IO::Socket::INET->new(LocalPort => 80, Listen => 20, ReuseAddr => 1) or die $!;
while (my $client = $listen->accept) {
  while (my $line = <$client>) { last if $line =~ /^\\r?$/ }
  my $status = -e "/etc/lab-web.broken" ? "500 Broken" : "200 OK";
  print $client "HTTP/1.1 $status\\r\\nContent-Length: 8\\r\\nConnection: close\\r\\n\\r\\nVERSION\\n";
  close $client;
}
`;
const unit = `[Unit]
Description=Web server of the lab
[Service]
ExecStart=/usr/lib/lab-web/serve
Restart=always
[Install]
WantedBy=multi-user.target
`;
/** What stands in /etc/lab-web.breaks and /etc/lab-web.restarts is the version that does so on this host. */
const afterInstall = (version: string) => `#!/bin/sh
set -e
systemctl daemon-reload
systemctl enable --now lab-web.service
if grep -qx ${version} /etc/lab-web.breaks 2>/dev/null; then touch /etc/lab-web.broken; fi
if grep -qx ${version} /etc/lab-web.restarts 2>/dev/null; then touch /run/reboot-required; fi
`;

export class PackageSource {
  readonly #folder: string;
  readonly #served: Server;
  #index = "";

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder);
    this.#served = createServer((request, response) => {
      const path = request.url!.replace(/^\/(\.\/)?/, "");
      if (path === "Packages") return void response.end(this.#index);
      if (!/^lab-web_[0-9.]+\.deb$/.test(path)) return void response.writeHead(404).end();
      response.end(readFileSync(join(folder, path)));
    });
  }

  listen(port: number): void {
    this.#served.listen(port, "127.0.0.1");
  }

  close(): void {
    this.#served.close();
  }

  publish(version: string): void {
    const root = join(this.#folder, version);
    const write = (path: string, text: string, mode: number) => {
      mkdirSync(join(root, path, ".."), { recursive: true });
      writeFileSync(join(root, path), text, { mode });
    };
    const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: lab <lab@example.org>\nDescription: web server of the lab\n`;
    write("DEBIAN/control", control, 0o644);
    write("DEBIAN/postinst", afterInstall(version), 0o755);
    write("usr/lib/lab-web/serve", server.replace("VERSION", version.padEnd(7)), 0o755);
    write("usr/lib/systemd/system/lab-web.service", unit, 0o644);
    const file = `${name}_${version}.deb`;
    execFileSync("dpkg-deb", ["--build", "--root-owner-group", root, join(this.#folder, file)], { stdio: "ignore" });
    const bytes = readFileSync(join(this.#folder, file));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    this.#index += `${control}Filename: ./${file}\nSize: ${bytes.length}\nSHA256: ${sha256}\n\n`;
  }
}
