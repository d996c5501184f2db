"""Tests the cloud metadata endpoint in its first API version, which msrestazure and az up to 2.50 read."""

import os

from msrestazure.azure_cloud import get_cloud_from_metadata_endpoint

MANAGEMENT = os.environ["ARM_ENDPOINT"]
LOGIN = os.environ["AZURE_AUTHORITY_HOST"]

cloud = get_cloud_from_metadata_endpoint(MANAGEMENT, name="Strongroom")
assert cloud.name == "Strongroom"
assert cloud.endpoints.resource_manager == MANAGEMENT, cloud.endpoints.resource_manager
assert cloud.endpoints.active_directory == LOGIN, cloud.endpoints.active_directory
assert cloud.endpoints.active_directory_resource_id == f"{MANAGEMENT}/"
assert cloud.endpoints.active_directory_graph_resource_id == f"{LOGIN}/"
assert cloud.endpoints.gallery == f"{MANAGEMENT}/"
