# shellcheck shell=bash
# Where the lab keeps its things, and the few words all its scripts share. Sourced, never run.

lab_dir=${PATCHD_LAB:-/var/tmp/patchd-lab}
lab_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf 'lab: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Roots, overlays and machines need root and a few host packages.
need_host_tools() {
    [ "$(id -u)" = 0 ] || die "the lab boots machines with systemd-nspawn: run it as root"
    local wanted=() pair
    for pair in systemd-nspawn:systemd-container mmdebstrap:mmdebstrap apt-ftparchive:apt-utils \
        gpg:gnupg python3:python3 nsenter:util-linux fallocate:util-linux pgrep:procps; do
        command -v "${pair%%:*}" >/dev/null || wanted+=("${pair#*:}")
    done
    [ ${#wanted[@]} = 0 ] && return
    say "installing ${wanted[*]}"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends install "${wanted[@]}" >/dev/null
}

# A short hash of the given files' contents: an edit makes a new cache entry.
fingerprint() { cat -- "$@" | sha256sum | cut -c1-12; }

made_packages() { find "$lab_source/packages" -type f | LC_ALL=C sort; }

# The caches: a root with old packages and a repository with the newer ones, the made packages'
# archive, and the layer that has the made packages' old versions installed.
base_dir() { echo "$lab_dir/base-$1-$(fingerprint "$lab_source/build-base" "$lab_source/index.py")"; }
pool_dir() {
    local files
    mapfile -t files < <(made_packages)
    echo "$lab_dir/made-$(fingerprint "${files[@]}")"
}
made_layer_dir() {
    local files
    mapfile -t files < <(made_packages)
    echo "$lab_dir/layer-$1-$(fingerprint "$lab_source"/build* "$lab_source/index.py" "${files[@]}")"
}

# A throw-away key signs every repository of the lab.
signing_key() {
    export GNUPGHOME=$lab_dir/key
    [ -s "$lab_dir/lab.gpg" ] && return
    mkdir -p "$GNUPGHOME"
    chmod 700 "$GNUPGHOME"
    gpg --batch --quiet --passphrase '' --quick-gen-key 'patchd lab <lab@example.invalid>' ed25519 sign never 9>&-
    gpg --batch --export >"$lab_dir/lab.gpg.new"
    mv "$lab_dir/lab.gpg.new" "$lab_dir/lab.gpg"
}

# publish REPO SUITE FIELD=VALUE...: Release and InRelease over the Packages files that lie there.
publish() {
    local repo=$1 suite=$2 options=() field
    shift 2
    for field; do options+=(-o "APT::FTPArchive::Release::$field"); done
    signing_key
    find "$repo/dists/$suite" -maxdepth 1 -type f -delete
    apt-ftparchive "${options[@]}" release "$repo/dists/$suite" >"$repo/$suite.release"
    mv "$repo/$suite.release" "$repo/dists/$suite/Release"
    # (Not with the builder's lock in its hands: gpg leaves an agent behind.)
    gpg --batch --yes --clearsign -o "$repo/dists/$suite/InRelease" "$repo/dists/$suite/Release" 9>&-
}

# What is tested: the package that packaging/build made, and the program alone. PATCHD_DEB and PATCHD_BIN say otherwise.
package_under_test() {
    local found=${PATCHD_DEB:-$(echo "$lab_source"/../../target/packaging/patchd_*.deb)}
    [ -f "$found" ] || die "no package at $found: run packaging/build, or set PATCHD_DEB"
    readlink -f "$found"
}
# The same program linked statically, which patches images.
static_under_test() {
    local found=${PATCHD_STATIC:-$lab_source/../../target/packaging/made/patchd-static}
    [ -x "$found" ] || die "no static patchd at $found: run packaging/build, or set PATCHD_STATIC"
    readlink -f "$found"
}
under_test() {
    local found=${PATCHD_BIN:-$lab_source/../../target/x86_64-unknown-linux-gnu/release/patchd}
    [ -x "$found" ] || die "no patchd at $found: run packaging/build, or set PATCHD_BIN"
    readlink -f "$found"
}
