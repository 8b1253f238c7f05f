/// The skeleton of an HTML page: elements in order, with their attributes, as far as tests ask for them.
struct PageStructure {
  struct Element {
    var name: String
    var attributes: [String: String]
    /// Names of the elements around it, the outermost first.
    var path: [String]
  }

  private(set) var elements: [Element] = []
  /// The first element that is closed out of order, or never.
  private(set) var unbalanced: String?

  init(_ page: String) {
    var open: [String] = []
    for match in page.matches(of: /<(\/?)([a-zA-Z0-9]+)([^>]*?)(\/?)>/) {
      let name = String(match.2)
      if match.1.isEmpty {
        var attributes: [String: String] = [:]
        for attribute in match.3.matches(of: /([a-zA-Z0-9-]+)="([^"]*)"/) {
          attributes[String(attribute.1)] = String(attribute.2)
        }
        elements.append(Element(name: name, attributes: attributes, path: open))
        if name != "meta", match.4.isEmpty { open.append(name) }
      } else if open.popLast() != name, unbalanced == nil {
        unbalanced = name
      }
    }
    unbalanced = unbalanced ?? open.last
  }

  func all(_ name: String, class style: String? = nil) -> [Element] {
    elements.filter { element in
      element.name == name
        && style.map { (element.attributes["class"] ?? "").split(separator: " ").contains(Substring($0)) } ?? true
    }
  }
}
