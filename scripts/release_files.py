"""Makes the files of a release other than programs, for scripts/release.sh:

  release_files.py sbom PROGRAM VERSION COMPILER FILE  a bill of materials, as CycloneDX
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
    lines = subprocess.run(["go", "version", "-m", program], check=True, capture_output=True, text=True).stdout.splitlines()
    components = []
    for line in lines[1:]:
        kind, *fields = line.split("\t")[1:]
        if kind == "=>":  # replaces the previous module
            components.pop()
        if kind not in ("dep", "=>"):
            continue
        name, module_version, *sums = fields
        component = {"type": "library", "name": name, "version": module_version, "purl": f"pkg:golang/{name}@{module_version}"}
        if sums and sums[0]:  # Go's sum: of the list of the module's files and their hashes
            component["properties"] = [{"name": "go:sum", "value": sums[0]}]
        components.append(component)
    if not components:
        sys.exit(f"{program} does not list its modules")
    go = lines[0].split()[-1].removeprefix("go")
    components.append({"type": "library", "name": "std", "version": go, "purl": f"pkg:golang/std@{go}"})
    components.append(libraries(*compiler.split()[1:]))
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": {"type": "application", "name": "clusir", "version": version, "bom-ref": "clusir"}},
        "components": components,
    }
    Path(out).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def libraries(cxx, package):
    """libraries names the origin of the C and C++ libraries."""
    if package.startswith("zig-"):
        version = package.removeprefix("zig-")
        return {"type": "library", "name": "zig", "version": version, "purl": f"pkg:pypi/ziglang@{version}"}
    version = subprocess.run([cxx, "-dumpfullversion"], check=True, capture_output=True, text=True).stdout.strip()
    return {"type": "library", "name": package, "version": version, "purl": f"pkg:deb/debian/{urllib.parse.quote(package, safe='')}@{version}"}


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
    {"sbom": sbom, "pack": pack, "packages": packages}[sys.argv[1]](*sys.argv[2:])
