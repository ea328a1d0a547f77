#!/usr/bin/env bash
# Creates or updates one comment on the pull request, or one issue that is open while there is drift. The first line of
# $BODY is a marker; an earlier comment or issue is found by it and by its author, because anybody can copy a marker.
set -euo pipefail
cd "$RUNNER_TEMP"
export GH_HOST=${GITHUB_SERVER_URL#*://}
read -r MARKER <"$BODY"
export MARKER
issues="repos/$GITHUB_REPOSITORY/issues"

own() { # PATH FIELD: the field of each item in the list that has the marker and the author
    gh api --paginate "$1" --jq ".[] | select(.user.login == env.AUTHOR and (.pull_request | not)
        and (.body // \"\" | startswith(env.MARKER))) | .$2"
}

comment() {
    local ids
    ids=$(own "$issues/$PULL_REQUEST/comments?per_page=100" id) || return
    if [ -n "$ids" ]; then
        gh api --silent --method PATCH "$issues/comments/${ids%%$'\n'*}" -F "body=@$BODY"
    else
        gh api --silent --method POST "$issues/$PULL_REQUEST/comments" -F "body=@$BODY"
    fi
}

if [ "$COMMAND" = plan ]; then
    comment || echo "::warning title=reconciler::Could not comment on the pull request (see the log of this step)." \
        "The plan is in the summary of the job."
    exit
fi

trap 'echo "::error title=reconciler::Could not update the issue about drift (see the log of this step)."' ERR
numbers=$(own "$issues?state=open&creator=$AUTHOR&sort=created&direction=asc&per_page=100" number)
if [ "$CHANGES" = true ]; then
    first=${numbers%%$'\n'*}
    if [ -n "$first" ]; then
        gh api --silent --method PATCH "$issues/$first" -F "body=@$BODY"
    else
        title="Drift detected: $NAME"
        gh api --silent --method POST "$issues" -f "title=${title%: default}" -F "body=@$BODY"
    fi
    numbers=${numbers#"$first"}
fi
for number in $numbers; do
    gh api --silent --method PATCH "$issues/$number" -f state=closed
done
