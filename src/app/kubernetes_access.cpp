#include "app/kubernetes_access.h"

#include "edge/cloud/authorisation.h"
#include "edge/cloud/targets/kubernetes_scale.h"

namespace forewarm {

KubernetesApi find_kubernetes_api(const KubernetesAccess& access) {
  const PodAccount pod = find_pod_account();
  const bool own = access.url.empty();
  KubernetesApi api{.url = own ? pod.url : access.url, .ca_file = access.ca_file, .authorise = {}};
  if (!access.space.empty())
    api.space = access.space;
  else if (!pod.space.empty())
    api.space = pod.space;
  if (api.ca_file.empty() && own) api.ca_file = pod.ca_file;
  api.authorise = bearer_token_in(access.token_file.empty() && own ? pod.token_file : access.token_file);
  return api;
}

}  // namespace forewarm
