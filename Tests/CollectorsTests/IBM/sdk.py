"""What IBM's own Python client reads from a server: policies, access groups, users and settings, as JSON lines.

  python sdk.py ADDRESS API-KEY ACCOUNT
"""
import json
import sys

from ibm_cloud_sdk_core.authenticators import IAMAuthenticator
from ibm_platform_services import IamAccessGroupsV2, IamIdentityV1, IamPolicyManagementV1, ResourceControllerV2, UserManagementV1
from ibm_platform_services.iam_access_groups_v2 import AccessGroupsPager
from ibm_platform_services.iam_policy_management_v1 import PoliciesPager
from ibm_platform_services.resource_controller_v2 import ResourceInstancesPager
from ibm_platform_services.user_management_v1 import UsersPager

address, key, account = sys.argv[1:]
authenticator = IAMAuthenticator(key, url=f"{address}/iam")


def client(kind, service):
    made = kind(authenticator=authenticator)
    made.set_service_url(f"{address}/{service}")
    return made


def show(kind, values):
    for value in values:
        print(json.dumps({"kind": kind, "value": value}))


show("policy", PoliciesPager(client=client(IamPolicyManagementV1, "iam"), account_id=account).get_all())
show("group", AccessGroupsPager(client=client(IamAccessGroupsV2, "iam"), account_id=account).get_all())
show("user", UsersPager(client=client(UserManagementV1, "user-management"), account_id=account).get_all())
show("instance", ResourceInstancesPager(client=client(ResourceControllerV2, "resource-controller")).get_all())
identity = client(IamIdentityV1, "iam")
show("settings", [identity.get_account_settings(account_id=account).get_result()])
show("service_id", identity.list_service_ids(account_id=account).get_result()["serviceids"])
