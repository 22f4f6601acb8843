#!/bin/sh
# jq behind zcat, two at a time, one output file for each batch: two writers on one pipe tear lines.
#
# sh ask_jq.sh QUESTION PARAMETERS.json
set -eu
question=$1 asked=$2
parameter() { jq -r "$1" "$asked"; }

below='*/AWSLogs/*/CloudTrail/*/*.json.gz'
case $question in
  Q1) passes='.eventName == $asked[0].rare_name' ;;
  Q2) passes='.eventName as $n | $asked[0].common_names | index([$n]) != null' ;;
  Q3)
    # The whole hour, by the beginning of its times; and only the folders of its day.
    passes='.userIdentity.accessKeyId == $asked[0].access_key and (.eventTime | startswith($asked[0].hour[:13]))'
    below="*/AWSLogs/*/CloudTrail/*/$(parameter '.hour[:10]' | tr - /)/*.json.gz"
    ;;
  Q4) passes='.eventID == $asked[0].event_id' ;;
  Q5) passes='true' ;;
  Q6) passes='.errorCode == "AccessDenied"' ;;
  *) echo "no question $question" >&2; exit 2 ;;
esac
program=".Records[] | select($passes)"
[ "$question" != Q5 ] || program='.Records[].eventName'
[ "$question" != Q6 ] || program="$program | .userIdentity.arn"

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export program asked out
find "$(parameter .archive)" -path "$below" -print0 |
  xargs -0 -P2 -n128 sh -c 'zcat -- "$@" | jq -c --slurpfile asked "$asked" "$program" >"$out/$$"' batch
case $question in
  Q5) cat "$out"/* | sort | uniq -c | sort -rn | head -n 20 | sed -E 's/^ *([0-9]+) (.*)$/{"eventName":\2,"count":\1}/' ;;
  Q6) cat "$out"/* | sort | uniq -c | sed -E 's/^ *([0-9]+) (.*)$/{"userIdentity.arn":\2,"count":\1}/' ;;
  *) cat "$out"/* ;;
esac
