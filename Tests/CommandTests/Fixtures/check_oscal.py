"""Reads pairs of an OSCAL catalog and the profile that imports it with compliance-trestle, runs all its
validators over both, and resolves the profile: prints the number of controls in catalog and resolution, and
of parameters that the profile sets."""
import argparse
import logging
import os
import pathlib
import sys

from trestle.core.catalog.catalog_interface import CatalogInterface
from trestle.core.profile_resolver import ProfileResolver
from trestle.core.validator_factory import validator_factory
from trestle.oscal.catalog import Catalog
from trestle.oscal.profile import Profile

logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
workspace = pathlib.Path(sys.argv[1])
os.chdir(workspace)  # trestle looks for imports from where it stands
(workspace / ".trestle").mkdir(exist_ok=True)
validator = validator_factory.get(argparse.Namespace(mode="all"))
for name in sys.argv[2:]:
    pair = [workspace / f"{name}.{kind}.json" for kind in ("catalog", "profile")]
    catalog, profile = Catalog.oscal_read(pair[0]), Profile.oscal_read(pair[1])
    if catalog is None or profile is None:
        sys.exit(f"{name}: cannot be read")
    for path, model in zip(pair, (catalog, profile)):
        if not validator.model_is_valid(model, True, workspace):
            sys.exit(f"{path}: is not valid")
    resolved = ProfileResolver.get_resolved_profile_catalog(workspace, str(pair[1]))
    counts = [CatalogInterface(c).get_count_of_controls_in_catalog(True) for c in (catalog, resolved)]
    settings = profile.modify.set_parameters if profile.modify else []
    print(name, *counts, len(settings))
