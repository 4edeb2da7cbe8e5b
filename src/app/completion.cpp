#include "app/completion.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "edge/store/format.h"

namespace forewarm {
namespace {

std::vector<const CLI::App*> public_commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); });
}

/// Calls `visit` with the words that lead to each command that is shown to people, and the command.
void each_command(const CLI::App& app, const std::string& path,
                  const std::function<void(const std::string& path, const CLI::App&)>& visit) {
  visit(path, app);
  for (const CLI::App* sub : public_commands(app))
    each_command(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), visit);
}

std::string words_after(const CLI::App& app) {
  std::string words;
  for (const CLI::App* sub : public_commands(app)) words += sub->get_name() + " ";
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  if (!words.empty()) words.pop_back();
  return words;
}

std::string quotable(std::string text) {
  std::erase_if(text, [](char c) { return c == '\'' || c == '\n'; });
  return text;
}

/// bash and zsh look the words up by the commands that stand before; options and their values are passed
/// over.
std::string words_function(const CLI::App& program) {
  std::string out = "_forewarm_words() {\n  case \"$1\" in\n";
  each_command(program, "", [&](const std::string& path, const CLI::App& app) {
    out += "    '" + path + "') echo '" + words_after(app) + "' ;;\n";
  });
  return out + "  esac\n}\n";
}

constexpr const char* kBash = R"script(_forewarm() {
  local at= word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word != -* && -n $(_forewarm_words "$at${at:+ }$word") ]] && at="$at${at:+ }$word"
  done
  mapfile -t COMPREPLY < <(compgen -W "$(_forewarm_words "$at")" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _forewarm forewarm
)script";

constexpr const char* kZsh = R"script(_forewarm() {
  local at= word
  for word in "${(@)words[2,CURRENT-1]}"; do
    [[ $word != -* && -n $(_forewarm_words "$at${at:+ }$word") ]] && at="$at${at:+ }$word"
  done
  compadd -- ${(s: :)$(_forewarm_words "$at")} || _files
}
compdef _forewarm forewarm
)script";

constexpr const char* kFish = R"script(function __forewarm_at
  set -l at
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; or set -a at $word
  end
  test "$at" = "$argv[1]"; or string match -q -- "$argv[1] *" "$at"
end
)script";

std::string fish_script(const CLI::App& program) {
  std::string out = kFish;
  each_command(program, "", [&](const std::string& path, const CLI::App& app) {
    const std::string line = "complete -c forewarm -n \"__forewarm_at '" + path + "'\"";
    for (const CLI::App* sub : public_commands(app))
      out += line + " -f -a " + sub->get_name() + " -d '" + quotable(sub->get_description()) + "'\n";
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames())
        out += line + " -l " + name + " -d '" + quotable(option->get_description()) + "'\n";
    }
  });
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& program, std::string_view shell) {
  if (shell == "fish") return fish_script(program);
  if (shell == "zsh") return "#compdef forewarm\n" + words_function(program) + kZsh;
  return words_function(program) + kBash;
}

int run_version() {
  std::cout << "forewarm " FOREWARM_VERSION << "\nstore format " << kStoreFormat << "\n";
  return 0;
}

}  // namespace forewarm
