#!/usr/bin/env bash
# package.sh PROGRAM DIRECTORY: creates the release files of a built program in DIRECTORY: the program without symbols, its
# debug file, manual pages, completions, the module that injects faults, and a Debian package if dpkg-deb is installed. The module
# is that beside the program, or in the folder `deps` there, where builds of tests have it.
# MAX_BYTES is the maximum size of the program, 0 for no limit. XZ_LEVEL is the compression level of the package, 0 to 9.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

[ $# -eq 2 ] || die "usage: $0 PROGRAM DIRECTORY"
program=$1
out=$2
max_bytes=${MAX_BYTES:-50331648}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Reproducible output: dates are that of the last commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
umask 022

rm -rf "$out"
mkdir -p "$out/man" "$out/completions"

objcopy --only-keep-debug --compress-debug-sections "$program" "$out/strongroom.debug"
objcopy --strip-all --remove-section=.comment "$program" "$out/strongroom"
# Debuggers find the debug file by this name and checksum, in the same directory or in /usr/lib/debug.
(cd "$out" && objcopy --add-gnu-debuglink=strongroom.debug strongroom)
chmod 0755 "$out/strongroom"
chmod 0644 "$out/strongroom.debug"
bytes=$(wc -c <"$out/strongroom")
if [ "$max_bytes" -gt 0 ] && [ "$bytes" -gt "$max_bytes" ]; then
    die "the program has $bytes bytes, the maximum is $max_bytes (MAX_BYTES)"
fi
say "strongroom: $bytes bytes; its debug file: $(wc -c <"$out/strongroom.debug")"

faults=$(dirname "$program")/libstrongroom_faults.so
[ -e "$faults" ] || faults=$(dirname "$program")/deps/libstrongroom_faults.so
[ -e "$faults" ] || die "libstrongroom_faults.so is not beside $program: cargo build --release --package strongroom-faults"
objcopy --strip-unneeded --remove-section=.comment "$faults" "$out/libstrongroom_faults.so"
chmod 0644 "$out/libstrongroom_faults.so"

"$out/strongroom" manual "$out/man"
for shell in bash fish zsh; do
    "$out/strongroom" completions "$shell" >"$out/completions/strongroom.$shell"
done

if ! has dpkg-deb; then
    say "no Debian package: dpkg-deb is missing"
    exit 0
fi

architecture=$(dpkg --print-architecture)
root="$out/deb"
documents="$root/usr/share/doc/strongroom"
install -D -m 0755 "$out/strongroom" "$root/usr/bin/strongroom"
install -D -m 0644 "$out/libstrongroom_faults.so" "$root/usr/lib/strongroom/libstrongroom_faults.so"
install -D -m 0644 packaging/strongroom.service "$root/usr/lib/systemd/system/strongroom.service"
install -D -m 0644 packaging/strongroom@.service "$root/usr/lib/systemd/system/strongroom@.service"
install -D -m 0644 packaging/strongroom.toml "$documents/examples/strongroom.toml"
install -D -m 0644 packaging/copyright "$documents/copyright"
gzip -9 --no-name <CHANGELOG.md >"$documents/changelog.gz"
install -D -m 0644 "$out/completions/strongroom.bash" "$root/usr/share/bash-completion/completions/strongroom"
install -D -m 0644 "$out/completions/strongroom.fish" "$root/usr/share/fish/vendor_completions.d/strongroom.fish"
install -D -m 0644 "$out/completions/strongroom.zsh" "$root/usr/share/zsh/vendor-completions/_strongroom"
mkdir -p "$root/usr/share/man/man1"
for page in "$out"/man/*.1; do
    gzip -9 --no-name <"$page" >"$root/usr/share/man/man1/$(basename "$page").gz"
done
chmod -R u=rwX,go=rX "$root"

# The newest glibc version that the program and the module require.
glibc=$(objdump -T "$out/strongroom" "$out/libstrongroom_faults.so" | sed -n 's/.*(\?GLIBC_\([0-9.]*\))\?.*/\1/p' | sort -V | tail -n 1)
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: strongroom
Version: $version
Architecture: $architecture
Maintainer: the Strongroom contributors <maintainers@strongroom.example>
Section: admin
Priority: optional
Homepage: https://github.com/strongroom/strongroom
Depends: libc6 (>= ${glibc:-2.31}), libgcc-s1
Recommends: ca-certificates
Suggests: softhsm2
Installed-Size: $(du -ks --exclude=DEBIAN "$root" | cut -f1)
Description: managed HSM over a PKCS#11 token
 Implements the interfaces of Azure Key Vault Managed HSM, and gRPC, with keys in a PKCS#11
 token. The package does not start the service, which needs a configuration first.
CONTROL
chmod 0755 "$root/DEBIAN"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
chmod 0644 "$root/DEBIAN/control" "$root/DEBIAN/md5sums"
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz -z"${XZ_LEVEL:-6}" --build "$root" "$out/strongroom_${version}_$architecture.deb" >/dev/null
rm -rf "$root"
say "$out/strongroom_${version}_$architecture.deb"
