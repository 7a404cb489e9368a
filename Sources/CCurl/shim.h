// libcurl's options are set by a variadic function, which Swift cannot call: one function per type of value.
#include <curl/curl.h>

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
