// libcurl's options are set by a variadic function, which Swift cannot call: one function per type of value.
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef size_t (*plumb_curl_receiver)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode plumb_curl_set_text(CURL *handle, CURLoption option, const char *text) {
  return curl_easy_setopt(handle, option, text);
}

static inline CURLcode plumb_curl_set_number(CURL *handle, CURLoption option, long number) {
  return curl_easy_setopt(handle, option, number);
}

static inline CURLcode plumb_curl_set_size(CURL *handle, CURLoption option, curl_off_t size) {
  return curl_easy_setopt(handle, option, size);
}

static inline CURLcode plumb_curl_set_pointer(CURL *handle, CURLoption option, const void *pointer) {
  return curl_easy_setopt(handle, option, pointer);
}

static inline CURLcode plumb_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *list) {
  return curl_easy_setopt(handle, option, list);
}

static inline CURLcode plumb_curl_set_receiver(CURL *handle, CURLoption option, plumb_curl_receiver receiver) {
  return curl_easy_setopt(handle, option, receiver);
}

static inline CURLcode plumb_curl_status(CURL *handle, long *status) {
  return curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, status);
}

static inline CURLMcode plumb_curl_multi_set_number(CURLM *handle, CURLMoption option, long number) {
  return curl_multi_setopt(handle, option, number);
}

// The outcome in a message about a finished transfer: a union in C.
static inline CURLcode plumb_curl_outcome(CURLMsg *message) { return message->data.result; }

// Whether an IPv4 address, in host order, is of no use outside of a private network or machine, or of none at all.
static inline bool plumb_is_private_v4(uint32_t address) {
  static const struct { uint32_t first; int bits; } networks[] = {
    {0x00000000, 8}, {0x0A000000, 8}, {0x64400000, 10}, {0x7F000000, 8}, {0xA9FE0000, 16}, {0xAC100000, 12},
    {0xC0000000, 24}, {0xC0000200, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24},
    {0xE0000000, 3},
  };
  for (size_t index = 0; index < sizeof networks / sizeof *networks; index++) {
    if ((address ^ networks[index].first) >> (32 - networks[index].bits) == 0) return true;
  }
  return false;
}

// The same of any address; what is neither IPv4 nor IPv6 counts as private.
static inline bool plumb_is_private(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    return plumb_is_private_v4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
  }
  if (address->sa_family != AF_INET6) return true;
  const uint8_t *bytes = ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr;
  static const uint8_t zeros[12] = {0};
  static const uint8_t translated[12] = {0, 0x64, 0xFF, 0x9B};
  uint32_t last = (uint32_t)bytes[12] << 24 | bytes[13] << 16 | bytes[14] << 8 | bytes[15];
  // Addresses that stand for one of IPv4: mapped, compatible, translated, 6to4.
  if (memcmp(bytes, zeros, 10) == 0 && bytes[10] == 0xFF && bytes[11] == 0xFF) return plumb_is_private_v4(last);
  if (memcmp(bytes, zeros, 12) == 0) return true;
  if (memcmp(bytes, translated, 12) == 0) return plumb_is_private_v4(last);
  if (bytes[0] == 0x20 && bytes[1] == 0x02) {
    return plumb_is_private_v4((uint32_t)bytes[2] << 24 | bytes[3] << 16 | bytes[4] << 8 | bytes[5]);
  }
  // Only global unicast is public: not fc00::/7, fe80::/10, ff00::/8, and not documentation.
  return (bytes[0] & 0xE0) != 0x20 || (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0D && bytes[3] == 0xB8);
}

// Opens a socket to a public address only; what a name means is looked at when it is connected to. Notes where an
// address was refused.
static inline curl_socket_t plumb_public_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  if (plumb_is_private(&address->addr)) {
    *(bool *)context = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static inline CURLcode plumb_curl_refuse_private(CURL *handle, bool *is_refused) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, is_refused);
  if (code != CURLE_OK) return code;
  return curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, plumb_public_socket);
}
