"""Puts the program into the wheel as a script, and sets the wheel's platform."""

import os
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Hook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        binary = Path(os.environ["CLUSIR_WHEEL_BINARY"])
        build_data["tag"] = "py3-none-" + os.environ["CLUSIR_WHEEL_PLATFORM"]
        build_data["pure_python"] = False
        build_data["shared_scripts"] = {str(binary): binary.name}
