package import Model

extension Secret {
  /// A text with `[secret]` wherever it holds this secret, as it is or percent-encoded: whoever was
  /// asked may have sent it back.
  package func hidden(in text: String) -> String {
    var text = text
    for form in [revealed, PercentEncoding.encoded(Array(revealed.utf8))] where !form.isEmpty {
      text = text.replacing(form, with: description)
    }
    return text
  }
}
