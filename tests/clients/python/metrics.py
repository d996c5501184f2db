"""Reads metrics with Prometheus' client library, and prints them as JSON: one object per family."""

import json
import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

with urllib.request.urlopen(sys.argv[1]) as response:
    text = response.read().decode()

families = [
    {
        "name": family.name,
        "kind": family.type,
        "help": family.documentation,
        "samples": [
            {"name": sample.name, "labels": sample.labels, "value": repr(sample.value)} for sample in family.samples
        ],
    }
    for family in text_string_to_metric_families(text)
]
json.dump(families, sys.stdout)
