#!/usr/bin/env bash
# Downloads the reviewed plan of this commit: from a run of this workflow file, on the planned commit, for an event that
# plans, and never from a fork. reconciler checks its signature and content later.
set -euo pipefail
cd "$RUNNER_TEMP"
export GH_HOST=${GITHUB_SERVER_URL#*://} GH_REPO=$GITHUB_REPOSITORY
repository="repos/$GITHUB_REPOSITORY"
workflow=${GITHUB_WORKFLOW_REF%%@*}
trap 'echo "::error title=reconciler::Could not get the plan from GitHub (see the log). No changes were made. Run the job again."' ERR

refuse() {
    local message="$1. No changes were made. To continue, run this workflow by hand with \`plan\`, review that plan, \
then run it by hand with \`apply\`."
    echo "::error title=reconciler::$message"
    printf '### reconciler refused\n\n%s\n' "$message" >>"$GITHUB_STEP_SUMMARY"
    exit 3
}

case $GITHUB_EVENT_NAME in
    push)
        heads=$(gh api --paginate "$repository/commits/$GITHUB_SHA/pulls?per_page=100" \
            --jq '.[] | select(.merged_at and .base.ref == env.GITHUB_REF_NAME) | .head.sha')
        [ -n "$heads" ] || refuse "Commit ${GITHUB_SHA:0:7} has no pull request, so its plan was not reviewed"
        planned="merge_group $GITHUB_SHA"
        for head in $heads; do planned+=$'\n'"pull_request $head"; done
        ;;
    workflow_dispatch) planned="workflow_dispatch $GITHUB_SHA" ;;
    *) refuse "\`apply\` needs push or workflow_dispatch, not $GITHUB_EVENT_NAME" ;;
esac

while read -r EVENT COMMIT; do
    export EVENT COMMIT WORKFLOW=${workflow#"$GITHUB_REPOSITORY/"}
    runs=$(gh api --paginate \
        "$repository/actions/workflows/${workflow##*/}/runs?event=$EVENT&head_sha=$COMMIT&per_page=100" \
        --jq '.workflow_runs[] | select(.event == env.EVENT and .head_sha == env.COMMIT
            and (.path | split("@")[0]) == env.WORKFLOW
            and .head_repository.full_name == env.GITHUB_REPOSITORY) | .id')
    for run in $runs; do
        found=$(gh api "$repository/actions/runs/$run/artifacts?name=$ARTIFACT" \
            --jq '.artifacts[] | select(.name == env.ARTIFACT and (.expired | not)) | .name')
        if [ -n "$found" ]; then
            rm -rf reconciler-saved
            gh run download "$run" --name "$ARTIFACT" --dir reconciler-saved
            echo "::notice title=reconciler::Applying the plan of commit ${COMMIT:0:7}, from run $run ($EVENT)."
            exit
        fi
    done
done <<<"$planned"
refuse "There is no plan of this commit to apply: no run on ${planned##* } has the artifact $ARTIFACT, or it has expired"
