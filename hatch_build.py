"""Compiles the engine to C while a wheel is built, where it is asked for: ``HATCH_BUILD_HOOKS_ENABLE=1 pip install .``.

The modules are named in pyproject.toml; mypyc, which comes with mypy, makes extension modules of them, from the same
source. Without it, and in an editable install, they are interpreted. Nothing is written into the tree: an extension
module that stays beside its source would be preferred to the source when that has changed.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledBuildHook(BuildHookInterface[Any]):
    """Puts extension modules beside their sources in the wheel, which is then one for this Python and this machine."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless it is an editable install, whose modules are the sources themselves."""
        if version == "editable":
            return
        self._folder = TemporaryDirectory(prefix="compiled-")  # lives until the wheel has been written
        made = _compiled(self._sources(), Path(self._folder.name))
        build_data["force_include"] |= made
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 -- the interface's
        """Leave nothing behind."""
        if version != "editable":
            self._folder.cleanup()

    def _sources(self) -> list[str]:
        """The modules to compile, as paths from the top of the project."""
        root = Path(self.root)
        found = {str(path.relative_to(root)) for pattern in self.config["modules"] for path in root.glob(pattern)}
        return sorted(found.difference(self.config["interpreted"]))


def _compiled(sources: list[str], folder: Path) -> dict[str, str]:
    """The extension modules made of these, in the folder, each with its place in the wheel."""
    # They come with the hook's requirements, which are installed only where it is switched on.
    from mypyc.build import mypycify  # noqa: PLC0415 -- see above
    from setuptools import Distribution  # noqa: PLC0415 -- see above

    # Types of other packages are left out, wherever this is built: compiled, an annotation is checked, and not all of
    # theirs are true. What is not compiled is not complained of: `make types` does that.
    flags = ["--config-file=", f"--cache-dir={folder / 'cache'}", "--no-site-packages"]
    flags += ["--ignore-missing-imports", "--follow-imports=silent"]
    extensions = mypycify([*flags, *sources], target_dir=str(folder / "c"), opt_level="2")
    command = Distribution({"name": "compiled", "ext_modules": extensions}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "objects")
    command.ensure_finalized()
    command.run()
    made = [path for path in (folder / "lib").rglob("*") if path.is_file()]
    return {str(path): str(path.relative_to(folder / "lib")) for path in made}
