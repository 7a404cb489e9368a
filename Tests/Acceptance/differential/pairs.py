"""The same configurations twice: as a Terraform plan, and made in moto with boto3.

  pairs.py --endpoint URL --output FOLDER

Writes NAME.plan.json for each account, and pairs.json: per account its regions, credentials, the Terraform types of
its plan, and which address of the plan is which live resource. The server must be one that was just started or reset.
"""

import argparse
import json
import sys
import urllib.request
from pathlib import Path

import botocore.exceptions
from buckets import buckets
from compute import balancers, clusters, disks, functions, machines, repositories
from data import certificates, databases, file_systems, log_groups, secrets, tables, topics, trails
from identity import keys, policies, roles, server_certificates, users
from network import access_lists, networks, security_groups
from world import World

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--endpoint", required=True, metavar="URL")
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    endpoint = arguments.endpoint.rstrip("/")
    # Without proxies: the server is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(f"{endpoint}/moto-api/seed?a=42", method="POST")).read()
    import os
    worlds=[World(endpoint,"main","200000000001")]
    import settings
    if os.environ.get('SMALL'):
        for n in range(int(os.environ['SMALL'])):
            w=World(endpoint,f"account-{n}",f"20000000001{n}",["us-east-1",*settings.REGIONS]); settings.account(w,n); worlds.append(w)
    import os
    for f in [globals()[x] for x in os.environ.get('ONLY','buckets,security_groups,access_lists,networks').split(',')]: f(worlds[0])
    for world in worlds:
        (arguments.output / f"{world.name}.plan.json").write_text(json.dumps(world.plan.json))
    (arguments.output / "pairs.json").write_text(json.dumps({world.name: world.json for world in worlds}, indent=1))
    return 0

if __name__ == "__main__":
    sys.exit(main())
