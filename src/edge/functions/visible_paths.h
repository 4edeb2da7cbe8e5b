#pragma once

#include <string>
#include <vector>

namespace forewarm {

/// Files and folders of the system that every program may read: programs, libraries, settings, /proc, /sys.
/// `secrets`: also what only the server's user could read of /etc.
std::vector<std::string> system_paths(bool secrets);
/// Devices that every program may use.
std::vector<std::string> device_paths();

/// What lies at and beneath `path` without the `hidden` folders: the path itself if none is beneath it, else
/// its entries one by one, and theirs where one is. Nothing if it is hidden itself. All absolute and normal.
std::vector<std::string> without_hidden(const std::string& path, const std::vector<std::string>& hidden);

/// Absolute, normal and without symbolic links as far as it exists; relative ones from `directory`.
std::string real_path(const std::string& path, const std::string& directory);
bool is_within(const std::string& path, const std::string& folder);

/// What a user that owns nothing and is in no group lacks to read (and enter; with `write`, to change)
/// `path`: a sentence, or empty. By permission bits; access control lists are not looked at.
std::string what_others_lack(const std::string& path, bool write);

}  // namespace forewarm
