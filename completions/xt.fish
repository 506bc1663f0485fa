# Written by docs/generate.py from the code; a test fails when it is stale.

# After `xt run` and its options: the words of the command so far, one a line. Fails while options are typed.
function __xt_inner
    set -l words (commandline -opc)
    test "$words[2]" = run; or return 1
    set -e words[1..2]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                set -q words[1]; and string escape -- $words
                return 0
            case -m --purpose -n --name -t --tag -i --input -o --output -p --param --fact --metric --ticket --as --seed -C
                set -q words[2]; or return 1
                set -e words[1..2]
            case '-*'
                set -e words[1]
            case '*'
                string escape -- $words
                return 0
        end
    end
    not string match -q -- '-*' (commandline -ct)
end

function __xt_complete_inner
    set -l words (__xt_inner); or return 1
    complete -C "$words $(commandline -ct)"
end

# What xt knows for the word being typed. `<` and `>` at its end would be followed by a space.
function __xt_offer --argument-names kinds
    set -l word (commandline -ct | string replace -r -- '^--[a-z-]+=' '')
    set -l plain (string unescape -- $word 2>/dev/null)
    or set plain (string replace -r -- '^[\'"]' '' "$word")
    xt complete $kinds "$plain" 2>/dev/null | string match -vr -- '^[^\t]*[<>]\t'
end

# Whether the argument of that number is being typed; with `more`, it or a later one.
function __xt_at --argument-names command position more
    __xt_options $command; or return 1
    set -l words (commandline -opc)
    set -l nth 1
    set -e words[1..2]
    while set -q words[1]
        if contains -- "$command $words[1]" 'run -m' 'run --purpose' 'run -n' 'run --name' 'run -t' 'run --tag' 'run -i' 'run --input' 'run -o' 'run --output' 'run -p' 'run --param' 'run --fact' 'run --metric' 'run --ticket' 'run --as' 'run --seed' 'run -C' 'ls -n' 'ls --number' 'ls --sort' 'ls --group-by' 'ls --columns' 'show --code' 'logs --rank' 'diff --only' 'diff --metrics' 'diff --by' 'diff --tol' 'diff --images' 'diff --format' 'rerun --set' 'rerun --seed' 'rerun --env' 'rerun -m' 'rerun --purpose' 'rerun -n' 'rerun --name' 'verify --repeat' 'verify --against' 'verify --level' 'verify --vary' 'verify -j' 'verify --jobs' 'verify --env' 'verify --tol' 'verify --format' 'audit --format' 'baseline --name' 'baseline -m' 'baseline --message' 'restore --to' 'restore --only' 'trace --depth' 'trace --format' 'stale --format' 'cases --against' 'cases --cohort' 'cases --by' 'cases --history' 'cases --output' 'cases -n' 'cases --number' 'cases --format' 'bundle --role' 'plot -r' 'plot --runs' 'plot --x' 'plot -o' 'plot --output' 'report -o' 'report --output' 'report --title' 'export --to' 'export -o' 'export --output' 'export --only' 'export --license' 'note -m' 'note --message' 'rm -m' 'rm --message' 'deploy --to' 'deploy --prompts' 'deploy --policy' 'deploy -m' 'deploy --message' 'deploy --at' 'observe --at' 'observe --from' 'blame --since' 'rollback --to' 'rollback -m' 'rollback --message'
            set -e words[1]
        else if not string match -q -- '-*' "$words[1]"
            set nth (math $nth + 1)
        end
        set -q words[1]; and set -e words[1]
    end
    test $nth -eq $position; or test "$more" = more -a $nth -gt $position
end

function __xt_options --argument-names command
    contains -- $command (commandline -opc)[2]
    and not begin
        test $command = run; and __xt_inner >/dev/null
    end
end

complete -c xt -f
complete -c xt -n __fish_use_subcommand -a run -d 'Record one execution of any command'
complete -c xt -n __fish_use_subcommand -a ls -d 'List runs, newest first'
complete -c xt -n __fish_use_subcommand -a show -d 'Show one run: what, why, causes, effects, what is missing'
complete -c xt -n __fish_use_subcommand -a logs -d 'Print what a run wrote'
complete -c xt -n __fish_use_subcommand -a diff -d 'Compare two runs: what was changed, what moved, whether that is noise'
complete -c xt -n __fish_use_subcommand -a rerun -d 'Do a run again, from its record'
complete -c xt -n __fish_use_subcommand -a verify -d 'Repeat a run and judge the repeats'
complete -c xt -n __fish_use_subcommand -a audit -d 'Say which required evidence a run has, and what it lacks'
complete -c xt -n __fish_use_subcommand -a baseline -d 'Pin the run that others are compared with'
complete -c xt -n __fish_use_subcommand -a restore -d 'Bring back what a run has: outputs, inputs, code, logs'
complete -c xt -n __fish_use_subcommand -a trace -d 'Show what a file came from, and what came of it'
complete -c xt -n __fish_use_subcommand -a stale -d 'Say what evidence no longer holds, and plan what to do again'
complete -c xt -n __fish_use_subcommand -a noise -d 'Show how much the results of a recipe scatter'
complete -c xt -n __fish_use_subcommand -a cases -d 'Show the evaluated examples of a run, and one through time'
complete -c xt -n __fish_use_subcommand -a bundle -d 'Versions of prompts and tool policies, and what differs'
complete -c xt -n __fish_use_subcommand -a plot -d 'Draw metrics of runs, in the terminal or to SVG, PNG or HTML'
complete -c xt -n __fish_use_subcommand -a report -d 'Write one self-contained HTML page about runs'
complete -c xt -n __fish_use_subcommand -a export -d 'Hand runs to others, in a format of theirs'
complete -c xt -n __fish_use_subcommand -a tag -d 'Put tags on a run, or take them off'
complete -c xt -n __fish_use_subcommand -a name -d 'Give a run a name'
complete -c xt -n __fish_use_subcommand -a note -d 'Write down something about a run, or read the notes on it'
complete -c xt -n __fish_use_subcommand -a rm -d 'Put runs away: lists pass over them, nothing is deleted'
complete -c xt -n __fish_use_subcommand -a deploy -d 'Record what goes live where, from a run with evidence'
complete -c xt -n __fish_use_subcommand -a observe -d 'Record measurements of production'
complete -c xt -n __fish_use_subcommand -a prod -d 'Show what is live and was, and how it did'
complete -c xt -n __fish_use_subcommand -a blame -d 'Say which deployment a movement in production coincides with'
complete -c xt -n __fish_use_subcommand -a rollback -d 'Show the ways back, and record one'
complete -c xt -n __fish_use_subcommand -a init -d 'Write a commented xt.toml from what is here'
complete -c xt -n __fish_use_subcommand -l version -d 'Print the version and exit'
complete -c xt -n __fish_use_subcommand -s h -l help -d 'Show the commands and exit'
complete -c xt -n '__xt_options run' -s m -l purpose -x -d 'Why this run is made'
complete -c xt -n '__xt_options run' -s n -l name -x -d 'A name to find it by'
complete -c xt -n '__xt_options run' -s t -l tag -x -ka '(__xt_offer tag)' -d 'A tag; may be repeated'
complete -c xt -n '__xt_options run' -s i -l input -r -F -d 'Something it reads; may be repeated'
complete -c xt -n '__xt_options run' -s o -l output -r -F -d 'Something it writes; may be repeated'
complete -c xt -n '__xt_options run' -s p -l param -r -F -d 'A setting, or a YAML, TOML or JSON file of them'
complete -c xt -n '__xt_options run' -l fact -x -d 'Something that is so and no option says; may be repeated'
complete -c xt -n '__xt_options run' -l metric -x -d 'A number that comes out; may be repeated'
complete -c xt -n '__xt_options run' -l ticket -x -d 'Ticket or issue it belongs to'
complete -c xt -n '__xt_options run' -l as -x -ka '(__xt_offer task)' -d 'Declarations of [task.TASK] in xt.toml'
complete -c xt -n '__xt_options run' -l strict -d 'Refuse to start without the required evidence'
complete -c xt -n '__xt_options run' -l seed -x -d 'Seed, handed on as XT_SEED; recorded'
complete -c xt -n '__xt_options run' -l reuse -d 'Put in place what an equal (and verified) run gave, and run nothing'
complete -c xt -n '__xt_options run' -l per-rank -d 'Below srun, mpirun or torchrun: a run for each rank'
complete -c xt -n '__xt_options run' -s C -x -a '(__fish_complete_directories)' -d 'Run in this folder'
complete -c xt -n '__xt_options run' -s q -l quiet -d 'No line after the command'
complete -c xt -n '__xt_options run' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_options ls' -s n -l number -x -d 'Rows at most; 0 for all'
complete -c xt -n '__xt_options ls' -s a -l all -d 'With the repeats that xt verify made'
complete -c xt -n '__xt_options ls' -l sort -x -ka '(__xt_offer property)' -d 'Best first: metric.NAME, param.NAME, time, level'
complete -c xt -n '__xt_options ls' -l reverse -d 'The other way round'
complete -c xt -n '__xt_options ls' -l group-by -x -ka '(__xt_offer property)' -d 'One row for each value of it: param.lr, task, tags'
complete -c xt -n '__xt_options ls' -l group -d 'One row for each array of jobs; `group:NAME` lists one'
complete -c xt -n '__xt_options ls' -l columns -x -ka '(__xt_offer columns)' -d 'Columns of this list and later ones: when, metrics, param.lr, …; auto forgets them'
complete -c xt -n '__xt_options ls' -l json -d 'As JSON'
complete -c xt -n '__xt_options ls' -l csv -d 'As CSV'
complete -c xt -n '__xt_options ls' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at ls 1 more' -ka '(__xt_offer query)'
complete -c xt -n '__xt_options show' -l json -d 'The record as it is stored'
complete -c xt -n '__xt_options show' -l code -r -F -d 'Print a file as it ran; a folder is listed'
complete -c xt -n '__xt_options show' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at show 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options logs' -l stdout -d 'Standard output only'
complete -c xt -n '__xt_options logs' -l stderr -d 'Standard error only'
complete -c xt -n '__xt_options logs' -l rank -x -d 'Of a run of several processes, this one'\''s'
complete -c xt -n '__xt_options logs' -s f -l follow -d 'Wait for what it still writes'
complete -c xt -n '__xt_options logs' -s t -l times -d 'Begin each line with its time'
complete -c xt -n '__xt_options logs' -l raw -d 'Every byte as it was, also to a terminal'
complete -c xt -n '__xt_options logs' -l replay -d 'At the speed it was written'
complete -c xt -n '__xt_options logs' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at logs 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options diff' -l code -l no-code -d 'The whole patch, or none; else it folds when long'
complete -c xt -n '__xt_options diff' -l stat -d 'Of code only how much changed in each file'
complete -c xt -n '__xt_options diff' -l word-diff -d 'Changes of code word by word'
complete -c xt -n '__xt_options diff' -l only -x -d 'causes, effects, or one of their sections'
complete -c xt -n '__xt_options diff' -l metrics -x -ka '(__xt_offer metric)' -d 'Only metrics of such names'
complete -c xt -n '__xt_options diff' -l by -x -d 'Show cohorts by this label or column'
complete -c xt -n '__xt_options diff' -l tol -x -d 'Tolerance of a metric (abs, rel, ulp, sigma) or an output (atol, rtol, ulp)'
complete -c xt -n '__xt_options diff' -l logs -d 'Compare logs too, times and addresses made neutral'
complete -c xt -n '__xt_options diff' -l images -x -a '(__fish_complete_directories)' -d 'Draw how images differ, into this folder'
complete -c xt -n '__xt_options diff' -l explain -d 'Say how the verdict was found'
complete -c xt -n '__xt_options diff' -l format -x -a 'terminal json markdown html' -d 'How to write it'
complete -c xt -n '__xt_options diff' -l json -d 'As --format json'
complete -c xt -n '__xt_options diff' -l exit-code -d 'End with 1 if anything shown differs or cannot be told'
complete -c xt -n '__xt_options diff' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at diff 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_at diff 2' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options rerun' -l set -x -d 'Change a setting; may be repeated'
complete -c xt -n '__xt_options rerun' -l seed -x -d 'Another seed than the recorded'
complete -c xt -n '__xt_options rerun' -l env -x -a 'check strict recreate docker' -d 'Say how it drifted; refuse then; build it again with uv; the recorded image'
complete -c xt -n '__xt_options rerun' -l in-place -d 'In the project as it is now; says how it differs'
complete -c xt -n '__xt_options rerun' -l keep-workspace -d 'Leave the folder it ran in, and say where'
complete -c xt -n '__xt_options rerun' -s m -l purpose -x -d 'Why it is done again; else as recorded'
complete -c xt -n '__xt_options rerun' -s n -l name -x -d 'A name to find it by'
complete -c xt -n '__xt_options rerun' -s q -l quiet -d 'No notes, no line after the command'
complete -c xt -n '__xt_options rerun' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at rerun 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options verify' -l repeat -x -d 'Fresh repeats; 5 by default'
complete -c xt -n '__xt_options verify' -l against -x -ka '(__xt_offer run)' -d 'Compare with an existing run instead'
complete -c xt -n '__xt_options verify' -l level -x -a 'identical equivalent consistent' -d 'What it must reach to end with 0'
complete -c xt -n '__xt_options verify' -l vary -x -d 'Repeat in slightly different surroundings too'
complete -c xt -n '__xt_options verify' -s j -l jobs -x -d 'Repeats at a time'
complete -c xt -n '__xt_options verify' -l env -x -a 'check strict recreate docker' -d 'As for xt rerun'
complete -c xt -n '__xt_options verify' -l tol -x -d 'Tolerance of a metric or an output'
complete -c xt -n '__xt_options verify' -l early-stop -l no-early-stop -d 'Stop when the verdict can no longer change'
complete -c xt -n '__xt_options verify' -l diagnose -l no-diagnose -d 'Find out why repeats differ, by experiments'
complete -c xt -n '__xt_options verify' -l explain -d 'Show every trial and test'
complete -c xt -n '__xt_options verify' -l format -x -a 'terminal json markdown junit' -d 'How to write it'
complete -c xt -n '__xt_options verify' -l json -d 'As --format json'
complete -c xt -n '__xt_options verify' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at verify 1 more' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options audit' -l all -d 'All runs but repeats made by xt verify, a line each'
complete -c xt -n '__xt_options audit' -l format -x -a 'terminal json junit' -d 'How to write it'
complete -c xt -n '__xt_options audit' -l json -d 'As --format json'
complete -c xt -n '__xt_options audit' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at audit 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options baseline' -l name -x -d 'Another name to pin under, or to look at'
complete -c xt -n '__xt_options baseline' -s m -l message -x -d 'Why; `set` needs it'
complete -c xt -n '__xt_options baseline' -l json -d 'The pins as they are stored'
complete -c xt -n '__xt_options baseline' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at baseline 1' -a 'set show history rm'
complete -c xt -n '__xt_at baseline 2; and __fish_seen_subcommand_from set' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options restore' -l to -x -a '(__fish_complete_directories)' -d 'Write below this folder, not into the project'
complete -c xt -n '__xt_options restore' -l only -x -a 'outputs inputs code logs' -d 'Only these; again for more. Else outputs and stored inputs, and with --to everything'
complete -c xt -n '__xt_options restore' -s f -l force -d 'Replace what differs'
complete -c xt -n '__xt_options restore' -l json -d 'What came of each path'
complete -c xt -n '__xt_options restore' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at restore 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_at restore 2 more' -F
complete -c xt -n '__xt_options trace' -l up -d 'Only what it came from'
complete -c xt -n '__xt_options trace' -l down -d 'Only what came of it'
complete -c xt -n '__xt_options trace' -l depth -x -d 'At most so many runs away; else all'
complete -c xt -n '__xt_options trace' -l format -x -a 'terminal json dot mermaid' -d 'How to write it'
complete -c xt -n '__xt_options trace' -l json -d 'As --format json'
complete -c xt -n '__xt_options trace' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at trace 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_at trace 1' -F
complete -c xt -n '__xt_options stale' -l baseline -d 'The pinned runs'
complete -c xt -n '__xt_options stale' -l format -x -a 'terminal json' -d 'How to write it'
complete -c xt -n '__xt_options stale' -l json -d 'As --format json'
complete -c xt -n '__xt_options stale' -l run -d 'Do them again, in place, in that order'
complete -c xt -n '__xt_options stale' -s y -l yes -d 'Do not ask before --run'
complete -c xt -n '__xt_options stale' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at stale 1 more' -ka '(__xt_offer run,query)'
complete -c xt -n '__xt_options noise' -l all -d 'Cohorts and all outputs too'
complete -c xt -n '__xt_options noise' -l json -d 'As JSON, with everything'
complete -c xt -n '__xt_options noise' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at noise 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options cases' -l failed -d 'Only cases that failed'
complete -c xt -n '__xt_options cases' -l broken -d 'Only cases that pass in the baseline and not here'
complete -c xt -n '__xt_options cases' -l fixed -d 'Only cases that fail in the baseline and pass here'
complete -c xt -n '__xt_options cases' -l against -x -ka '(__xt_offer run)' -d 'Another run than the baseline for --broken, --fixed'
complete -c xt -n '__xt_options cases' -l cohort -x -d 'Only cases with this value; repeatable'
complete -c xt -n '__xt_options cases' -l by -x -d 'Count those listed by a column'
complete -c xt -n '__xt_options cases' -l history -x -d 'One case through all runs of the task'
complete -c xt -n '__xt_options cases' -l output -r -F -d 'Which output, where a run has several of role cases'
complete -c xt -n '__xt_options cases' -s n -l number -x -d 'Rows at most, 0 for all; 20 on a page'
complete -c xt -n '__xt_options cases' -l format -x -a 'terminal json csv' -d 'How to write it'
complete -c xt -n '__xt_options cases' -l json -d 'As --format json'
complete -c xt -n '__xt_options cases' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at cases 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options bundle' -l role -x -a 'prompts policy' -d 'Only bundles of this role'
complete -c xt -n '__xt_options bundle' -l text -d 'For `show`: the text of every file too'
complete -c xt -n '__xt_options bundle' -l json -d 'As JSON, with everything'
complete -c xt -n '__xt_options bundle' -l exit-code -d 'For `diff`: end with 1 if they differ or it cannot be told'
complete -c xt -n '__xt_options bundle' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at bundle 1' -a 'ls show diff'
complete -c xt -n '__xt_at bundle 3' -F
complete -c xt -n '__xt_options plot' -s r -l runs -x -ka '(__xt_offer run,query)' -d 'Runs, never taken for a metric'
complete -c xt -n '__xt_options plot' -l x -x -ka '(__xt_offer axis)' -d 'step, run, time or param.NAME'
complete -c xt -n '__xt_options plot' -s o -l output -r -F -d 'Write FILE.svg, .png or .html instead'
complete -c xt -n '__xt_options plot' -l force -d 'Replace FILE even if xt did not draw it'
complete -c xt -n '__xt_options plot' -l json -d 'The points, as JSON'
complete -c xt -n '__xt_options plot' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at plot 1 more' -ka '(__xt_offer metric,run)'
complete -c xt -n '__xt_options report' -s o -l output -r -F -d 'File to write; `-`: standard output'
complete -c xt -n '__xt_options report' -l title -x -d 'Title of the page'
complete -c xt -n '__xt_options report' -l force -d 'Replace FILE even if it is no report of xt'
complete -c xt -n '__xt_options report' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at report 1 more' -ka '(__xt_offer run,query)'
complete -c xt -n '__xt_options export' -l to -x -a 'rocrate prov openlineage cyclonedx json csv parquet' -d 'The format'
complete -c xt -n '__xt_options export' -s o -l output -r -F -d 'Where to; `-`: standard output'
complete -c xt -n '__xt_options export' -l force -d 'Replace what is there'
complete -c xt -n '__xt_options export' -l only -x -a 'outputs inputs code logs' -d 'Files to carry, where the format does; again for more. Else all but logs'
complete -c xt -n '__xt_options export' -l identify -d 'Say user, host and absolute paths too'
complete -c xt -n '__xt_options export' -l license -x -d 'Of what is exported: a URL, an SPDX identifier'
complete -c xt -n '__xt_options export' -l json -d 'What was done, as JSON'
complete -c xt -n '__xt_options export' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at export 1 more' -ka '(__xt_offer run,query)'
complete -c xt -n '__xt_options tag' -s d -l off -d 'Take them off'
complete -c xt -n '__xt_options tag' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at tag 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_at tag 2 more' -ka '(__xt_offer tag)'
complete -c xt -n '__xt_options name' -s d -l off -d 'Take its name away'
complete -c xt -n '__xt_options name' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at name 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options note' -s m -l message -x -d 'The note, in Markdown; - reads it from standard input'
complete -c xt -n '__xt_options note' -l json -d 'The notes as they are stored'
complete -c xt -n '__xt_options note' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at note 1' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options rm' -s m -l message -x -d 'Why'
complete -c xt -n '__xt_options rm' -l undo -d 'Bring them back; they are named by id'
complete -c xt -n '__xt_options rm' -l force -d 'Also what is pinned, or live somewhere'
complete -c xt -n '__xt_options rm' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at rm 1 more' -ka '(__xt_offer run)'
complete -c xt -n '__xt_options deploy' -l to -x -ka '(__xt_offer environment)' -d 'Environment it goes live in'
complete -c xt -n '__xt_options deploy' -l prompts -x -d 'Prompts that go live with it; else those of its run'
complete -c xt -n '__xt_options deploy' -l policy -x -d 'The same of tool policies'
complete -c xt -n '__xt_options deploy' -s m -l message -x -d 'Why'
complete -c xt -n '__xt_options deploy' -s f -l force -d 'In spite of what speaks against it, which is recorded; needs -m'
complete -c xt -n '__xt_options deploy' -l no-hook -d 'Record it only'
complete -c xt -n '__xt_options deploy' -l at -x -d 'When it went live, if that was before; then no hook is run'
complete -c xt -n '__xt_options deploy' -l json -d 'The event as it is stored'
complete -c xt -n '__xt_options deploy' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at deploy 1' -ka '(__xt_offer run,output)'
complete -c xt -n '__xt_at deploy 1' -F
complete -c xt -n '__xt_options observe' -l at -x -d 'When: ISO 8601, seconds since 1970, `-2h`; `now` by default'
complete -c xt -n '__xt_options observe' -l from -r -F -d 'Columns `time` and one a metric, or `time`, `name`, `value`; `-` for standard input'
complete -c xt -n '__xt_options observe' -l json -d 'What was recorded'
complete -c xt -n '__xt_options observe' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at observe 1' -ka '(__xt_offer environment)'
complete -c xt -n '__xt_options prod' -l json -d 'As JSON, with everything'
complete -c xt -n '__xt_options prod' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at prod 1' -ka '(__xt_offer environment)'
complete -c xt -n '__xt_options blame' -l since -x -d 'Leave out what was measured before: ISO 8601, `7d`, `today`'
complete -c xt -n '__xt_options blame' -l json -d 'As JSON, with everything'
complete -c xt -n '__xt_options blame' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at blame 1' -ka '(__xt_offer environment)'
complete -c xt -n '__xt_at blame 2' -ka '(__xt_offer observed)'
complete -c xt -n '__xt_options rollback' -l to -x -ka '(__xt_offer run)' -d 'Go back to this; without it, what there is to go back to'
complete -c xt -n '__xt_options rollback' -s m -l message -x -d 'Why'
complete -c xt -n '__xt_options rollback' -s f -l force -d 'In spite of what speaks against it, which is recorded; needs -m'
complete -c xt -n '__xt_options rollback' -l no-hook -d 'Record it only'
complete -c xt -n '__xt_options rollback' -l json -d 'The candidates; with --to, the event as it is stored'
complete -c xt -n '__xt_options rollback' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_at rollback 1' -ka '(__xt_offer environment)'
complete -c xt -n '__xt_options init' -s h -l help -d 'Show the options and exit'
complete -c xt -n '__xt_inner >/dev/null' -a '(__xt_complete_inner)'
