#!/bin/bash
# A VM's whole life by curl, through either version of the API: made from template `tiny`, started, shut down, removed.
#
#   first_vm.sh UP.json xml3|json3|json4      UP.json: what `./ovis up --json` printed
#
# Needs curl and python3 (to read JSON).
set -euo pipefail
said=$1 form=$2
of() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$said" "$1"; }
api=$(of api_v3)
[ "$form" = json4 ] && api=$(of api_v4)
type=application/json
[ "$form" = xml3 ] && type=application/xml
name=curl-$form-$$

call() { # METHOD PATH [BODY]
    curl --silent --show-error --fail-with-body --cacert "$(of ca_file)" -u "$(of user):$(cat "$(of password_file)")" \
        -X "$1" -H "Accept: $type" -H "Content-Type: $type" ${3:+-d "$3"} "$api$2"
}
value() { # of the first element or member of that name, in XML or JSON
    python3 -c '
import re, sys
text = sys.stdin.read()
found = re.search(r"<%s>([^<]*)<" % sys.argv[1], text) or re.search(r"\"%s\" *: *\"([^\"]*)\"" % sys.argv[1], text)
print(found[1] if found else "")' "$1"
}
status() {
    if [ "$form" = json4 ]; then call GET "/vms/$id" | value status; else call GET "/vms/$id" | value state; fi
}
until_status() {
    for _ in $(seq 240); do
        [ "$(status)" = "$1" ] && { echo "$name is $1"; return; }
        sleep 0.5
    done
    echo "$name is $(status), not $1" >&2
    exit 1
}

case $form in
xml3) body="<vm><name>$name</name><cluster><name>Default</name></cluster><template><name>tiny</name></template></vm>"
    none='<action/>' ticket='<action><ticket><expiry>60</expiry></ticket></action>' ;;
json3 | json4) body="{\"name\": \"$name\", \"cluster\": {\"name\": \"Default\"}, \"template\": {\"name\": \"tiny\"}}"
    none='{}' ticket='{"ticket": {"expiry": 60}}'
    [ "$form" = json3 ] && ticket='{"ticket": {"expiry": "60"}}' ;;
*) echo "usage: first_vm.sh UP.json xml3|json3|json4" >&2; exit 2 ;;
esac

made=$(call POST /vms "$body")
if [ "$type" = application/xml ]; then id=$(sed -n 's/.*<vm [^>]*id="\([^"]*\)".*/\1/p' <<<"$made" | head -1)
else id=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])' <<<"$made"); fi
echo "$name has id $id"
until_status down
call POST "/vms/$id/start" "$none" >/dev/null
until_status up
[ "$(call POST "/vms/$id/ticket" "$ticket" | value value)" ] && echo "got a console ticket"
call POST "/vms/$id/shutdown" "$none" >/dev/null
until_status down
call DELETE "/vms/$id" >/dev/null
for _ in $(seq 60); do
    call GET "/vms/$id" >/dev/null 2>&1 || { echo "$name is gone"; exit 0; }
    sleep 0.5
done
echo "$name is still there" >&2
exit 1
