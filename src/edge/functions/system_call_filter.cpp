#include "edge/functions/system_call_filter.h"

#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include "edge/functions/owned_fd.h"

namespace forewarm {
namespace {

/// Of other processes, of the kernel and of the machine. By the groups of systemd's @mount, @debug, @module,
/// @reboot, @swap, @clock, @raw-io, @keyring and @obsolete (systemd.exec(5)), and what else has been a way
/// out of containers.
constexpr std::array kRefused{
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(create_module),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(stime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(syslog),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(vm86),
    SCMP_SYS(vm86old),
    SCMP_SYS(vhangup),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(nfsservctl),
    SCMP_SYS(migrate_pages),
    SCMP_SYS(move_pages),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(_sysctl),
    SCMP_SYS(uselib),
    SCMP_SYS(ustat),
};
/// A program that tries these has another way when the system does not know them.
constexpr std::array kUnknown{SCMP_SYS(clone3), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
                              SCMP_SYS(io_uring_register)};
constexpr std::array kNamespaceFlags{CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNS,    CLONE_NEWIPC,
                                     CLONE_NEWNET,  CLONE_NEWUTS, CLONE_NEWCGROUP};
constexpr std::uint64_t kSocketTypeMask = 0xf;  // the rest are SOCK_CLOEXEC and SOCK_NONBLOCK
constexpr std::uint64_t kFakeInput = 0x5412, kPasteSelection = 0x541c;  // TIOCSTI, TIOCLINUX

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ALLOW), ::seccomp_release) { failed_ = !context_; }

  template <class... Comparisons>
  void refuse(int error, int call, Comparisons... comparisons) {
    if (failed_) return;
    const std::array<scmp_arg_cmp, sizeof...(comparisons)> all{comparisons...};
    const int done =
        ::seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), call,
                                 static_cast<unsigned>(all.size()), all.data());
    // Negative numbers stand for calls that this architecture does not have.
    failed_ |= done != 0 && call >= 0;
  }
  void set(scmp_filter_attr attribute, std::uint32_t value) {
    if (!failed_) failed_ |= ::seccomp_attr_set(context_.get(), attribute, value) != 0;
  }
  bool export_to(int fd) const { return !failed_ && ::seccomp_export_bpf(context_.get(), fd) == 0; }

 private:
  std::unique_ptr<void, void (*)(void*)> context_;
  bool failed_ = false;
};

scmp_arg_cmp compare(unsigned argument, scmp_compare how, std::uint64_t a, std::uint64_t b = 0) {
  return {argument, how, a, b};
}

void refuse_sockets(Filter& filter, bool network) {
  for (const int family : {AF_VSOCK, AF_ALG, AF_KEY})
    filter.refuse(EPERM, SCMP_SYS(socket), compare(0, SCMP_CMP_EQ, static_cast<std::uint64_t>(family)));
  if (network) return;
  // Landlock knows TCP only; of the internet's families nothing else is left.
  for (const int family : {AF_INET, AF_INET6}) {
    for (std::uint64_t type = SOCK_STREAM + 1; type <= kSocketTypeMask; ++type)
      filter.refuse(EPERM, SCMP_SYS(socket), compare(0, SCMP_CMP_EQ, static_cast<std::uint64_t>(family)),
                    compare(1, SCMP_CMP_MASKED_EQ, kSocketTypeMask, type));
    // MPTCP and SCTP are streams too.
    filter.refuse(EPERM, SCMP_SYS(socket), compare(0, SCMP_CMP_EQ, static_cast<std::uint64_t>(family)),
                  compare(2, SCMP_CMP_GT, IPPROTO_TCP));
  }
  filter.refuse(EPERM, SCMP_SYS(socket), compare(0, SCMP_CMP_GT, AF_NETLINK));
}

}  // namespace

Result<std::string> make_system_call_filter(bool network) {
  Filter filter;
  filter.set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
  filter.set(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree: a filter is run at each call
  for (const int call : kRefused) filter.refuse(EPERM, call);
  for (const int call : kUnknown) filter.refuse(ENOSYS, call);
  for (const int flag : kNamespaceFlags)
    filter.refuse(
        EPERM, SCMP_SYS(clone),
        compare(0, SCMP_CMP_MASKED_EQ, static_cast<std::uint64_t>(flag), static_cast<std::uint64_t>(flag)));
  for (const std::uint64_t request : {kFakeInput, kPasteSelection})
    filter.refuse(EPERM, SCMP_SYS(ioctl), compare(1, SCMP_CMP_MASKED_EQ, 0xffffffff, request));
  refuse_sockets(filter, network);
  const OwnedFd file(::memfd_create("forewarm-filter", MFD_CLOEXEC));
  if (!file || !filter.export_to(file.get()))
    return error(ErrorCode::Io, "libseccomp cannot make a filter on this system");
  std::string bytes(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
  if (::pread(file.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return error(ErrorCode::Io,
                 std::string("the filter cannot be read: ") + std::generic_category().message(errno));
  return bytes;
}

}  // namespace forewarm
