"""A shared library does not load: another torch, another CUDA, an older libc."""

from __future__ import annotations

from doctor.base.late import late_pattern
from doctor.explain.context import Digest, packages_of
from doctor.explain.matching import Candidate
from doctor.explain.refine.names import distribution_of, table
from doctor.explain.refine.refined import Refined, install, manual
from doctor.findings import Remediation
from doctor.matrix.engines import engine_row, engines

_KERNELS = ("sgl_kernel", "flash_attn", "flashinfer")
_SITE = late_pattern(r"(?:site|dist)-packages/(?P<package>[A-Za-z_]\w{0,60})")
_FILE = late_pattern(r"(?P<package>[A-Za-z_]\w{0,60}?)(?:/[^/\s]{1,80}){0,6}/(?P<file>[^/\s:]{1,120}\.so[\w.]{0,20})")
_DRIVER_CALL = late_pattern(
    r"cu(?:Module|Launch|Mem|Ctx|Device|Stream|Func|Occupancy|Get|Link|Library|Kernel|Tensor)[A-Z]\w*$|cuInit$"
)
# Of the standard library alone: nothing of torch (at, c10, torch, pybind11) among the argument types.
_LIBSTDCXX = late_pattern(r"_ZN?K?St(?!\w*(?:2at|3c10|5torch|8pybind11))\w+$")
_TORCH_SYMBOL = late_pattern(r"c10|at4_ops|_ZN2at|torch|_ZN3c10|ATen|_ZNK2at|aoti")
_CUDA_MAJOR = late_pattern(r"\.so\.(?P<major>\d{1,2})")


def undefined_symbol(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `library` and `symbol`."""
    groups = candidate.match.groupdict()
    library, symbol = groups.get("library") or "", groups.get("symbol") or ""
    package = _owner(library, candidate)
    if "nvJitLink" in symbol or "cusparse" in library or "cublas" in library:
        return Refined(
            f"`{library.rpartition('/')[2]}` and libnvJitLink are of different CUDA releases: another CUDA comes "
            "first on LD_LIBRARY_PATH",
            (
                manual("unset LD_LIBRARY_PATH (or put the nvidia/nvjitlink/lib folder of site-packages first)"),
                install("torch", "reinstall", title="reinstall torch with its nvidia-* packages so that they match"),
            ),
        )
    if "ncclCommWindow" in symbol or symbol.startswith("nccl"):
        return Refined(
            f"`{package}` needs a newer NCCL than the library that was loaded: `{symbol}` is not in it",
            (
                install(
                    "nvidia-nccl-cu12", "reinstall", title="reinstall the nvidia-nccl-cu12 release that torch requires"
                ),
                manual("remove another libnccl.so.2 from LD_LIBRARY_PATH / VLLM_NCCL_SO_PATH"),
            ),
        )
    if _DRIVER_CALL.match(symbol):
        return _driver_symbol(library, symbol)
    if _LIBSTDCXX.match(symbol):
        return _standard_library(library.rpartition("/")[2] or package, symbol)
    maker = "torch" if _TORCH_SYMBOL.search(symbol) or package not in ("torch",) else "library"
    text = (
        f"`{package}` was built against another torch than the installed one (its compiled part asks for "
        f"`{symbol}`, C++ ABI mismatch)"
    )
    if package == "torch" or maker == "library":
        text = (
            f"the parts of `{package}` do not match: `{symbol}` is missing from the library that was loaded"
        )
    return Refined(text, rebuilt(package, digest))


def _driver_symbol(library: str, symbol: str) -> Refined:
    """A call of the CUDA driver that nothing in the process provides: libcuda was not loaded, or is a stub or older."""
    name = library.rpartition("/")[2] or "the library"
    ways = [
        manual("in a container: start it with --gpus all (NVIDIA runtime), which provides the host's libcuda.so.1"),
        manual("keep stubs off the loader's path (cuda/lib64/stubs in LD_LIBRARY_PATH), and run ldconfig"),
    ]
    if "/.triton/" in library:
        ways.insert(0, manual("remove Triton's cache (~/.triton/cache), so that it links its helper again"))
    return Refined(
        f"`{name}` calls the CUDA driver, and the loaded libcuda.so.1 does not provide `{symbol}`: it was not loaded "
        "or linked, is a stub, or belongs to an older driver",
        tuple(ways),
        confidence="medium",
    )


def _standard_library(library: str, symbol: str) -> Refined:
    """A symbol of the C++ library itself: the one that was loaded is older than the compiler of the package."""
    return Refined(
        f"`{library}` was built with a newer compiler: the libstdc++ that was loaded does not have `{symbol}`",
        (
            manual("conda install -c conda-forge libstdcxx-ng (a newer libstdc++), or use a newer Linux or image"),
            manual("or put the newer one first: LD_LIBRARY_PATH to the folder of a newer libstdc++.so.6"),
        ),
    )


def rebuilt(package: str, digest: Digest) -> tuple[Remediation, ...]:
    """The ways to a binary that fits the installed torch."""
    torch = digest.version("torch")
    seen = f"torch {torch}" if torch else "the installed torch"
    if rebuild := engine_row(package).rebuild:
        title = f"reinstall {package} with the torch it was built for, in a clean environment (now {seen})"
        return (
            install(package, "reinstall", title=title),
            manual(f"or rebuild {package} against the installed torch: {rebuild}"),
        )
    if package == "flash-attn":
        return (
            install(
                package,
                "reinstall",
                title=f"reinstall flash-attn for {seen}: pip install flash-attn "
                "--no-build-isolation --force-reinstall --no-cache-dir",
            ),
            manual("or take the prebuilt wheel whose name has the same torch, CUDA, Python and cxx11abi"),
            manual("or uninstall flash-attn: most models run without it (sdpa)"),
        )
    return (
        install(
            package,
            "reinstall",
            title=f"reinstall the {package} release that matches {seen}, or the torch it was built for",
        ),
        manual(
            f"or rebuild {package} from source against {seen}: pip install --no-build-isolation --no-binary "
            f"{package} {package}"
        ),
    )


def _owner(library: str, candidate: Candidate) -> str:
    """The distribution whose library asks for something."""
    site = _SITE.search(library)
    if site:
        return distribution_of(site["package"])
    path = _FILE.search(library)
    if path:
        known = next(
            (p for p in (*_KERNELS, *(e.package for e in engines() if not e.library)) if f"/{p}/" in library), None
        )
        return distribution_of(known or path["package"])
    stem = library.rpartition("/")[2].partition(".")[0]
    if stem:
        return distribution_of(stem)
    trace = candidate.line.trace
    found = packages_of(trace) if trace else []
    return distribution_of(found[-1]) if found else "the package"


def missing_library(candidate: Candidate, digest: Digest) -> Refined:
    """For the group `library`: `libx.so.1: cannot open shared object file`."""
    groups = candidate.match.groupdict()
    library = (groups.get("library") or groups.get("opened") or "").rpartition("/")[2]
    stem = library.partition(".so")[0]
    cuda, family = table()["cuda_libraries"], stem.partition("-")[0]
    stem = family if stem not in cuda and family in cuda else stem
    if stem in ("libcuda", "libnvidia-ml"):
        return _driver_library(library, digest)
    if stem.startswith(("libtorch", "libc10")):
        package = _asker(candidate)
        return Refined(
            f"`{package}` was built against another torch than the installed one: `{library}` is not in this torch",
            rebuilt(package, digest),
        )
    if stem in cuda or stem.startswith("libcudnn"):
        return _cuda_library(library, stem, candidate)
    known = table()["system_libraries"]
    system = known.get(stem) or known.get(stem.rstrip("0123456789-."))
    if system:
        ways = [manual(f"apt-get install -y {system}")]
        if stem in ("libGL", "libgthread-2.0", "libglib-2.0", "libSM", "libXext", "libXrender"):
            ways = [
                manual("apt-get install -y libgl1 libglib2.0-0"),
                install(
                    "opencv-python-headless",
                    "install",
                    title="or replace opencv-python by opencv-python-headless, which needs no libGL",
                ),
            ]
        return Refined(f"the system library `{library}` is not in this system or image", tuple(ways))
    return Refined(
        f"the shared library `{library}`, which `{_asker(candidate)}` needs, is not on the loader's path",
        (
            manual(f"install the package that provides {library}, or put its folder on LD_LIBRARY_PATH"),
            install(_asker(candidate), "reinstall"),
        ),
        confidence="medium",
    )


def _asker(candidate: Candidate) -> str:
    trace = candidate.line.trace
    found = [p for p in (packages_of(trace) if trace else []) if p not in ("torch",)]
    return distribution_of(found[-1]) if found else "the package"


def _driver_library(library: str, digest: Digest) -> Refined:
    if digest.wsl:
        return Refined(
            f"`{library}` of the Windows driver is not on the loader's path: in WSL it is in /usr/lib/wsl/lib",
            (
                manual("export LD_LIBRARY_PATH=/usr/lib/wsl/lib:$LD_LIBRARY_PATH"),
                manual("update the NVIDIA driver on Windows and WSL (wsl --update)"),
            ),
        )
    return Refined(
        f"`{library}` of the NVIDIA driver is missing: this machine has no NVIDIA GPU driver, or it is "
        "not exposed to the container",
        (
            manual("start the container with --gpus all (nvidia runtime) on a node with a GPU and its driver"),
            manual("or install the NVIDIA driver; or use a CPU build of the engine"),
        ),
    )


def _cuda_library(library: str, stem: str, candidate: Candidate) -> Refined:
    package = _asker(candidate)
    major = _CUDA_MAJOR.search(library)
    number = major["major"] if major else ""
    if stem.startswith("libcudnn"):
        return _cudnn(library, number)
    wheel = table()["cuda_libraries"][stem]
    if wheel == "nvidia-nccl" or stem == "libcusparseLt":
        return Refined(
            f"`{library}` is not on the loader's path",
            (install(f"{wheel}-cu12", "install"), install("torch", "reinstall")),
        )
    cuda = {"10": "10", "11": "11"}.get(number[:2], number)
    suffix = f"-cu{cuda}" if cuda in ("11", "12") else ""
    text = (
        f"`{package}` is built for CUDA {cuda} (cu{cuda}) and needs `{library}`, but only another CUDA runtime "
        "is in this environment"
    )
    ways = [
        install(
            package,
            "reinstall",
            title=f"reinstall {package} in the build that matches torch's CUDA, or torch "
            f"in its CUDA {cuda} build (cu{cuda})",
        ),
        install(
            f"{wheel}{suffix}",
            "install",
            title=f"or install the library: pip install {wheel}{suffix} "
            f"({wheel}-cu{cuda}), and put its lib folder on LD_LIBRARY_PATH",
        ),
        manual(f"or install the CUDA {cuda} toolkit"),
    ]
    return Refined(text, tuple(ways))


def _cudnn(library: str, number: str) -> Refined:
    brings = f"nvidia-cudnn-cu12 (cuDNN {number})"
    ways = [
        install("nvidia-cudnn-cu12", "install"),
        manual(
            "put its folder (site-packages/nvidia/cudnn/lib) on "
            "LD_LIBRARY_PATH; with lib and lib64 both in the "
            "venv make lib64 a link to lib"
        ),
    ]
    return Refined(
        f"`{library}` is not on the loader's path: {brings} is not installed next to torch, or is "
        "where torch's rpath does not look",
        tuple(ways),
    )


def libc(candidate: Candidate, digest: Digest) -> Refined:
    """For the groups `version` (GLIBC_2.32, GLIBCXX_3.4.30, CXXABI_1.3.15) and `asker`."""
    groups = candidate.match.groupdict()
    version, asker, library = groups.get("version") or "", groups.get("asker") or "", groups.get("library") or ""
    package = _owner(asker, candidate) if asker else "the package"
    if version.startswith("GLIBC_"):
        return Refined(
            f"`{package}` was built on a newer Linux: it needs glibc {version[6:]}, and this system's libc is older",
            (
                manual(f"build {package} from source on this machine, or use an older wheel of it"),
                manual("or use a newer OS, or a container (Docker) with a newer base image"),
                *((manual("or uninstall flash-attn: the model runs without it"),) if package == "flash-attn" else ()),
            ),
        )
    conda = "conda" in library or "/envs/" in library
    where = (
        "conda's own older libstdc++ shadows the system one"
        if conda
        else "the system's libstdc++ is older than the compiler that built it"
    )
    return Refined(
        f"`{package}` needs {version}: {where}",
        (
            manual("conda install -c conda-forge libstdcxx-ng (a newer libstdc++)"),
            manual("or use the system's: LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libstdc++.so.6"),
            manual("or install a newer gcc / a newer OS or container, or build it from source here"),
        ),
    )
