#!/usr/bin/env bash
# client.sh COMMAND...: runs the command line `strongroom` as the administrator of the HSM of compose.yaml, with an access token that is
# valid for an hour. STRONGROOM_SITE is the folder that prepare.sh has created, STRONGROOM_ENDPOINT the URL of the service.
set -euo pipefail

site=${STRONGROOM_SITE:-/var/lib/strongroom/site}
encode() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

now=$(date +%s)
header='{"alg":"RS256","typ":"JWT","kid":"trial"}'
claims=$(printf '{"iss":"https://issuer.example/","aud":"https://managedhsm.azure.net","tid":"%s","oid":"%s","iat":%d,"nbf":%d,"exp":%d}' \
    3fa85f64-5717-4562-b3fc-2c963f66afa6 6fa459ea-ee8a-4ca4-894e-db77e160355e "$now" "$now" "$((now + 3600))")
signed=$(printf '%s' "$header" | encode).$(printf '%s' "$claims" | encode)
signature=$(printf '%s' "$signed" | openssl dgst -sha256 -sign "$site/issuer-key.pem" | encode)

export STRONGROOM_TOKEN=$signed.$signature STRONGROOM_CA_FILE=$site/ca.pem STRONGROOM_HSM=${STRONGROOM_HSM:-trial}
exec strongroom "$@"
