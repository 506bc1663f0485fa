"""Completion scripts for bash, zsh and fish, made from the commands as declared."""

from __future__ import annotations

MARK = "Written by docs/generate.py; change the code and run it again."
#: Options whose value is a path.
PATHS = ("-i", "--input", "-o", "--output", "-p", "--param", "-C", "--code")


def _options(command: object) -> list[object]:
    return [param for param in command.params if param.param_type_name == "option" and not param.hidden]


def _takes_value(option: object) -> bool:
    return not option.is_flag


def bash(commands: dict[str, object]) -> str:
    lines = [
        f"# {MARK}",
        "_xt() {",
        "    local current previous words_of command i",
        '    current="${COMP_WORDS[COMP_CWORD]}"',
    ]
    lines += ['    previous="${COMP_WORDS[COMP_CWORD-1]}"', '    command="${COMP_WORDS[1]}"']
    lines += ["    if (( COMP_CWORD == 1 )); then"]
    lines += [
        f'        mapfile -t COMPREPLY < <(compgen -W "{" ".join(commands)} --help --version" -- "$current")',
        "        return",
        "    fi",
    ]
    lines += ["    case $command in"]
    for name, command in commands.items():
        words = [word for option in _options(command) for word in option.opts] + ["--help"]
        values = [word for option in _options(command) if _takes_value(option) for word in option.opts]
        lines.append(f"        {name})")
        if name == "run":
            lines += [
                "            # After the options comes a command, which completes as it would without us.",
                "            i=2",
                "            while (( i < COMP_CWORD )); do",
                "                case ${COMP_WORDS[i]} in",
                f"                    {'|'.join(values)}) (( i += 2 )) ;;",
                "                    --) (( i++ )); _xt_command $i; return ;;",
                "                    -*) (( i++ )) ;;",
                "                    *) _xt_command $i; return ;;",
                "                esac",
                "            done",
            ]
        paths = [word for word in values if word in PATHS]
        others = [word for word in values if word not in PATHS]
        if paths:
            lines.append(
                f'            case $previous in {"|".join(paths)}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;; esac'
            )
        if others:
            lines.append(f"            case $previous in {'|'.join(others)}) return ;; esac")
        lines += [f'            words_of="{" ".join(words)}"', "            ;;"]
    lines += ["    esac", '    mapfile -t COMPREPLY < <(compgen -W "$words_of" -- "$current")', "}"]
    lines += [
        "_xt_command() {",
        "    if (( $1 == COMP_CWORD )); then",
        '        mapfile -t COMPREPLY < <(compgen -c -f -- "${COMP_WORDS[COMP_CWORD]}")',
        "    elif declare -F _command_offset > /dev/null; then",
        "        _command_offset $1",
        "    else",
        '        mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")',
        "    fi",
        "}",
        "complete -o filenames -F _xt xt",
        "",
    ]
    return "\n".join(lines)


def zsh(commands: dict[str, object]) -> str:
    lines = ["#compdef xt", f"# {MARK}", "", "_xt() {", "  local -a commands", "  commands=("]
    lines += [f"    {_quoted(name + ':' + _about(command))}" for name, command in commands.items()]
    lines += ["  )", "  if (( CURRENT == 2 )); then", "    _describe command commands", "    return", "  fi"]
    lines += ["  local command=$words[2]", "  shift words", "  (( CURRENT-- ))", "  case $command in"]
    for name, command in commands.items():
        lines += [
            f"    {name})",
            "      _arguments -S \\" if name != "run" else "      _arguments -S -A '-*' \\",
        ]
        for option in _options(command):
            about = (
                (option.help or "").rstrip(".").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
            )
            many = "*" if option.multiple else ""
            value = ""
            if _takes_value(option):
                value = ":value:_files" if any(word in PATHS for word in option.opts) else ":value:"
            for word in option.opts:
                lines.append(f"        {_quoted(f'{many}{word}[{about}]{value}')} \\")
        lines.append("        '*:::command:_normal'" if name == "run" else "        '*:run:'")
        lines.append("      ;;")
    lines += ["  esac", "}", "", '_xt "$@"', ""]
    return "\n".join(lines)


def fish(commands: dict[str, object]) -> str:
    lines = [f"# {MARK}", "complete -c xt -f"]
    for name, command in commands.items():
        lines.append(f"complete -c xt -n __fish_use_subcommand -a {name} -d {_quoted(_about(command))}")
    for name, command in commands.items():
        seen = f"'__fish_seen_subcommand_from {name}'"
        for option in _options(command):
            short = [f"-s {word[1:]}" for word in option.opts if not word.startswith("--")]
            long = [f"-l {word[2:]}" for word in option.opts if word.startswith("--")]
            value = ""
            if _takes_value(option):
                value = " -r -F" if any(word in PATHS for word in option.opts) else " -x"
            about = _quoted((option.help or "").rstrip("."))
            lines.append(f"complete -c xt -n {seen} {' '.join(short + long)}{value} -d {about}")
        if name == "run":
            lines.append(f"complete -c xt -n {seen} -xa '(__fish_complete_subcommand --fcs-skip=2)'")
    return "\n".join([*lines, ""])


def _about(command: object) -> str:
    return (command.help or "").strip().splitlines()[0].rstrip(".")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
