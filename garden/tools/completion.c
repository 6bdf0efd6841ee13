// completion: a script by which a shell completes gardenctl's words, made from the tables of commands,
// their options and the protocol's requests.
#include <string.h>

#include "tool.h"

static const char completion_help[] =
    "Usage: gardenctl completion bash|zsh\n"
    "\n"
    "Prints a script for the shell: source <(gardenctl completion bash), or put it where\n"
    "the shell looks, such as /usr/share/bash-completion/completions/gardenctl or, for\n"
    "zsh, a file _gardenctl in a folder of fpath.";

static const struct option completion_none[] = {{0}};

static const struct option *completion_options(const struct tool_command *command)
{
    return command->options ? command->options : completion_none;
}

static void completion_put_name(void *context, const char *name)
{
    (void)printf("%s%s", (const char *)context, name);
}

// The options whose argument is a path, for both shells.
static const char completion_paths[] = "--connection|--run-dir|--server-key|--key|--store|--"
                                       "against|--out|--manifest-file|--capture|--file";

// ---- bash

static void completion_bash_command(const struct tool_command *command)
{
    (void)printf("        %s) words=\"--help", command->name);
    for (const struct option *option = completion_options(command); option->name; option++)
        (void)printf(" --%s", option->name);
    (void)puts("\" ;;");
}

static void completion_bash(const struct option *general)
{
    char space[] = " ";
    (void)puts("# bash completion for gardenctl; made by 'gardenctl completion bash'.\n"
               "_gardenctl() {\n"
               "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
               "    local command= words= at=1");
    (void)printf("    case $before in\n"
                 "        %s) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
                 "    esac\n"
                 "    while [ $at -lt $COMP_CWORD ]; do\n"
                 "        case ${COMP_WORDS[at]} in\n"
                 "            --json|--help|--version) ;;\n"
                 "            --*=*) ;;\n"
                 "            --*) at=$((at + 1)) ;;\n"
                 "            *) command=${COMP_WORDS[at]}; break ;;\n"
                 "        esac\n"
                 "        at=$((at + 1))\n"
                 "    done\n"
                 "    case $command in\n",
                 completion_paths);
    (void)printf("        '') words=\"");
    for (const struct option *option = general; option->name; option++)
        (void)printf("%s--%s", option == general ? "" : " ", option->name);
    for (size_t i = 0; tool_commands[i]; i++)
        (void)printf(" %s", tool_commands[i]->name);
    tool_each_request(completion_put_name, space);
    (void)puts("\" ;;");
    for (size_t i = 0; tool_commands[i]; i++)
        completion_bash_command(tool_commands[i]);
    (void)puts("        *) words=\"--help\" ;;\n"
               "    esac\n"
               "    case $command:$word in");
    for (size_t i = 0; tool_commands[i]; i++)
        if (tool_commands[i]->words && strcmp(tool_commands[i]->words, "file") == 0)
            (void)printf("        %s:-*) ;;\n"
                         "        %s:*) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n",
                         tool_commands[i]->name, tool_commands[i]->name);
        else if (tool_commands[i]->words)
            (void)printf("        %s:*) words=\"$words %s\" ;;\n", tool_commands[i]->name,
                         tool_commands[i]->words);
    (void)puts("    esac\n"
               "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
               "}\n"
               "complete -F _gardenctl gardenctl");
}

// ---- zsh

static void completion_zsh_option(const struct option *option)
{
    (void)printf(" '*--%s%s'", option->name, option->has_arg == no_argument ? "" : "=: :_files");
}

static void completion_zsh_command(const struct tool_command *command)
{
    (void)printf("        %s) _arguments '--help'", command->name);
    for (const struct option *option = completion_options(command); option->name; option++)
        completion_zsh_option(option);
    if (command->words && strcmp(command->words, "file") == 0)
        (void)printf(" '*: :_files'");
    else if (command->words)
        (void)printf(" '1: :(%s)'", command->words);
    (void)puts(" ;;");
}

// A summary within single quotes, where a colon would end the name.
static void completion_zsh_summary(const struct tool_command *command)
{
    (void)printf("        '%s:", command->name);
    for (const char *c = command->summary; *c; c++)
        (void)printf(*c == '\'' ? "'\\''" : *c == ':' ? "\\:" : "%c", *c);
    (void)puts("'");
}

static void completion_zsh(const struct option *general)
{
    char line[] = "\n        ";
    (void)puts("#compdef gardenctl\n"
               "# zsh completion for gardenctl; made by 'gardenctl completion zsh'.\n"
               "_gardenctl() {\n"
               "    local context state line\n"
               "    typeset -A opt_args\n"
               "    local -a commands\n"
               "    commands=(");
    for (size_t i = 0; tool_commands[i]; i++)
        completion_zsh_summary(tool_commands[i]);
    (void)printf("       ");
    tool_each_request(completion_put_name, line);
    (void)printf("\n    )\n    _arguments -C");
    for (const struct option *option = general; option->name; option++)
        completion_zsh_option(option);
    (void)puts(" '1: :->command' '*:: :->words'\n"
               "    case $state in\n"
               "        command) _describe command commands; return ;;\n"
               "    esac\n"
               "    case $words[1] in");
    for (size_t i = 0; tool_commands[i]; i++)
        completion_zsh_command(tool_commands[i]);
    (void)puts(
        "        *) _arguments '--help' ;;\n"
        "    esac\n"
        "}\n"
        "if [ \"$funcstack[1]\" = _gardenctl ]; then _gardenctl \"$@\"; else compdef _gardenctl "
        "gardenctl; fi");
}

static int completion_command(struct tool *tool, int argc, char **argv)
{
    const int result = getopt_long(argc, argv, "", completion_none, NULL);
    if (result >= 0 || argc - optind != 1) return tool_usage(tool, "for which shell: bash or zsh?");
    if (strcmp(argv[optind], "bash") == 0)
        completion_bash(tool_general_options);
    else if (strcmp(argv[optind], "zsh") == 0)
        completion_zsh(tool_general_options);
    else
        return tool_usage(tool, "there is no completion for '%s': bash or zsh", argv[optind]);
    return TOOL_OK;
}

const struct tool_command tool_completion = {
    .name = "completion",
    .run = completion_command,
    .summary = "print a script by which a shell completes these words",
    .help = completion_help,
    .words = "bash zsh",
};
