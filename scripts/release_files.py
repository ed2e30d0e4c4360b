"""Makes the files of a release other than programs, for scripts/release.sh:

  release_files.py sbom PROGRAM VERSION COMPILER FILE  a bill of materials, as CycloneDX
  release_files.py notice PROGRAM COMPILER FILE        the licences of what is linked into it
  release_files.py pack FOLDER OUT SECONDS             an archive, the same for the same files
  release_files.py packages FROM OUT VERSION URL       the files of package managers, filled in
"""

import gzip
import json
import re
import subprocess
import sys
import tarfile
import time
import urllib.parse
import zipfile
from pathlib import Path


def sbom(program, version, compiler, out):
    """sbom lists the modules that Go linked into a program, and the compilers whose
    libraries it contains. compiler is the output of release.sh's compiler."""
    go, modules = linked(program)
    components = []
    for name, module_version, *sums in modules:
        component = {"type": "library", "name": name, "version": module_version, "purl": f"pkg:golang/{name}@{module_version}"}
        if sums and sums[0]:  # Go's sum: of the list of the module's files and their hashes
            component["properties"] = [{"name": "go:sum", "value": sums[0]}]
        components.append(component)
    components.append({"type": "library", "name": "std", "version": go, "purl": f"pkg:golang/std@{go}"})
    components += libraries(program, *compiler.split()[1:])
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": {"type": "application", "name": "clusir", "version": version, "bom-ref": "clusir"}},
        "components": components,
    }
    Path(out).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def linked(program):
    """linked returns the version of Go that built a program, and the path, version and
    sum of each module that it linked."""
    lines = run("go", "version", "-m", program).splitlines()
    modules = []
    for line in lines[1:]:
        kind, *fields = line.split("\t")[1:]
        if kind == "=>":  # replaces the previous module
            modules.pop()
        if kind in ("dep", "=>"):
            modules.append(fields)
    if not modules:
        sys.exit(f"{program} does not list its modules")
    return lines[0].split()[-1].removeprefix("go"), modules


def libraries(program, cxx, package):
    """libraries names the origin of the C and C++ libraries."""
    if package.startswith("zig-"):
        version = package.removeprefix("zig-")
        return [{"type": "library", "name": "zig", "version": version, "purl": f"pkg:pypi/ziglang@{version}"}]
    versions = {package: run(cxx, "-dumpfullversion").strip()}
    if static(program):
        libc = Path(run(cxx, "-print-file-name=libc.a").strip()).read_bytes()
        versions["glibc"] = re.search(rb"GNU C Library \(\S* ?GLIBC ([^)]+)\)", libc)[1].decode()
    return [{"type": "library", "name": name, "version": version, "purl": f"pkg:deb/debian/{urllib.parse.quote(name, safe='')}@{version}"}
            for name, version in versions.items()]


def static(program):
    """static reports whether a program for Linux contains its libraries."""
    return "(NEEDED)" not in run("readelf", "-dW", program)


def notice(program, compiler, out):
    """notice collects the licences of what is linked into a program, since they require
    that copies contain them."""
    _, modules = linked(program)
    folders = {"Go": Path(run("go", "env", "GOROOT").strip())}
    for line in run("go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}", *(m[0] for m in modules)).splitlines():
        name, folder = line.split("\t")
        if not folder:
            sys.exit(f"{name} is not on this machine: run go mod download")
        folders[name] = Path(folder)
    texts = []
    for name, folder in folders.items():
        files = [f for f in sorted(folder.glob("*") if name == "Go" else folder.rglob("*")) if f.is_file() and f.suffix != ".go"]
        found = [f for f in files if re.search(r"/(licen[cs]e|notice|patents)", str(f.relative_to(folder.parent)), re.I) and "testdata" not in f.parts]
        if not found:
            sys.exit(f"{folder} holds no licence of {name}")
        texts += [(name, f) for f in found]
    package = compiler.split()[2]
    if package.startswith("zig-"):
        zig = Path(compiler.split()[0]).parents[1] / package.removeprefix("zig-")
        texts += [(f"zig's {name}", next(zig.rglob(f"ziglang/{file}"))) for name, file in (
            ("runtime", "LICENSE"), ("libc++", "lib/libcxx/LICENSE.TXT"), ("libc++abi", "lib/libcxxabi/LICENSE.TXT"),
            ("libunwind", "lib/libunwind/LICENSE.TXT"), ("libraries for Windows", "lib/libc/mingw/COPYING"))]
    else:
        texts.append(("the GNU C++ library", Path("/usr/share/doc/libstdc++6/copyright")))
        if static(program):
            texts += [("the GNU C library", Path("/usr/share/doc/libc6/copyright")), ("the GNU C library", Path("/usr/share/common-licenses/LGPL-2.1"))]
    with open(out, "w", encoding="utf-8") as f:
        f.write("clusir contains the following software, under these licences.\n")
        for name, file in texts:
            f.write(f"\n{'=' * 72}\n{name}: {file.relative_to(folders.get(name, file.parent))}\n{'=' * 72}\n\n{file.read_text(encoding='utf-8', errors='replace').strip()}\n")


def run(*command):
    """run returns what a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def pack(folder, out, seconds):
    """pack makes a zip if the folder holds a program for Windows, and else a tar.gz."""
    folder = Path(folder)
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    programs = ("clusir", "clusir.exe")
    if (folder / "clusir.exe").exists():
        name = folder.name + ".zip"
        date = time.gmtime(int(seconds))[:6]
        with zipfile.ZipFile(Path(out) / name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for p in files:
                info = zipfile.ZipInfo(p.relative_to(folder.parent).as_posix(), date)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = (0o755 if p.name in programs else 0o644) << 16
                archive.writestr(info, p.read_bytes())
    else:
        name = folder.name + ".tar.gz"
        with open(Path(out) / name, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
            for p in files:
                info = archive.gettarinfo(p, p.relative_to(folder.parent).as_posix())
                info.uid = info.gid = 0
                info.uname = info.gname = ""
                info.mtime, info.mode = int(seconds), 0o755 if p.name in programs else 0o644
                with open(p, "rb") as content:
                    archive.addfile(info, content)
    print(name)


def packages(source, out, version, url):
    """packages fills templates with the version, the address and the archives' checksums.
    It leaves out templates whose archives were not built."""
    sums = {}
    for line in (Path(out) / "SHA256SUMS").read_text().splitlines():
        value, name = line.split()
        sums[name] = value
    for template in sorted(Path(source).rglob("*.in")):
        text = template.read_text(encoding="utf-8")
        needed = {f"clusir-{version}-{p}" for p in re.findall(r"@SHA256:([^@]*)@", text)}
        if not needed <= sums.keys():
            continue
        if not url:
            print(f"{template} is not filled in: set RELEASE_URL to the archives' address", file=sys.stderr)
            continue
        text = text.replace("@VERSION@", version).replace("@NUMBER@", version.removeprefix("v")).replace("@URL@", url.rstrip("/"))
        text = re.sub(r"@SHA256:([^@]*)@", lambda m: sums[f"clusir-{version}-{m[1]}"], text)
        (Path(out) / template.stem).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    {"sbom": sbom, "notice": notice, "pack": pack, "packages": packages}[sys.argv[1]](*sys.argv[2:])
