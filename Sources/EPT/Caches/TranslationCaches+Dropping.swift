import Addresses

// MARK: What is held

extension TranslationCaches {
  /// Whether a guest-physical address has a cached translation under a hierarchy.
  package func hasTranslation(of gpa: GuestPhysicalAddress, _ tag: EPTRTA) -> Bool {
    [Level.pte, .pde, .pdpte].contains { translations[Self.key(tag, $0, gpa)] != nil }
  }

  /// Whether the entry of this level on the way to a guest-physical address is cached, so that a walk may begin below it.
  package func hasStructure(_ level: Level, of gpa: GuestPhysicalAddress, _ tag: EPTRTA) -> Bool {
    structures[Self.key(tag, level, gpa)] != nil
  }

  /// Whether a linear address has a cached translation in a context, or a global one.
  package func hasTranslation(of linear: GuestLinearAddress, _ context: CombinedContext) -> Bool {
    var global = context
    global.pcid = CombinedContext.anyPCID
    return CombinedKey.shifts.contains { shift in
      [context, global].contains { combined[CombinedKey($0, shift, linear)] != nil }
    }
  }

  /// Whether the guest entry of this level, of 8 bytes, on the way to a linear address is cached in a context.
  package func hasStructure(_ level: Level, of linear: GuestLinearAddress, _ context: CombinedContext) -> Bool {
    combinedStructures[CombinedKey(context, level.shift, linear)] != nil
  }

  /// Adds what other caches hold: of what may be cached, all of it.
  package mutating func formUnion(_ other: TranslationCaches) {
    translations.merge(other.translations) { $1 }
    structures.merge(other.structures) { $1 }
    vectors.merge(other.vectors) { $1 }
    subPageTables.merge(other.subPageTables) { $1 }
    combined.merge(other.combined) { $1 }
    combinedStructures.merge(other.combinedStructures) { $1 }
  }
}

// MARK: What goes

extension TranslationCaches {
  /// Drops mappings, as ``EPTMachine`` says.
  mutating func drop(_ mappings: DroppedMappings) {
    switch mappings {
    case .physical(let gpa, let tag):
      for level in Level.allCases {
        let key = Self.key(tag, level, gpa)
        translations[key] = nil
        structures[key] = nil
        vectors[key] = nil
        subPageTables[key] = nil
      }
    case .page(let linear, let contexts, let retainingGlobals):
      combined = combined.filter {
        !($0.value.isOnPage(of: linear, $0.key.first) && contexts.contains($0.key.context))
          || (retainingGlobals && $0.key.context.isGlobal)
      }
      combinedStructures = combinedStructures.filter { !($0.key.covers(linear) && contexts.contains($0.key.context)) }
    case .linear(let linear, let contexts):
      combined = combined.filter { !($0.key.covers(linear) && contexts.contains($0.key.context)) }
      combinedStructures = combinedStructures.filter { !($0.key.covers(linear) && contexts.contains($0.key.context)) }
    case .combined(let contexts, let retainingGlobals):
      combined = combined.filter {
        !contexts.contains($0.key.context) || (retainingGlobals && $0.key.context.isGlobal)
      }
      dropStructures(of: contexts)
    case .combinedStructures(let contexts): dropStructures(of: contexts)
    case .hierarchy(let tag):
      func stays(_ other: EPTRTA) -> Bool { tag.map { $0 != other } ?? (other == .noHierarchy) }
      translations = translations.filter { stays($0.key.tag) }
      structures = structures.filter { stays($0.key.tag) }
      vectors = vectors.filter { stays($0.key.tag) }
      subPageTables = subPageTables.filter { stays($0.key.tag) }
      combined = combined.filter { stays($0.key.context.tag) }
      combinedStructures = combinedStructures.filter { stays($0.key.context.tag) }
    }
  }

  private mutating func dropStructures(of contexts: CombinedContexts) {
    combinedStructures = combinedStructures.filter { !contexts.contains($0.key.context) }
  }
}

extension CombinedMapping {
  /// Whether the guest page that this mapping of a linear address is part of holds another one.
  fileprivate func isOnPage(of linear: GuestLinearAddress, _ own: UInt64) -> Bool {
    (own ^ linear.rawValue) >> pageShift == 0
  }
}

extension CombinedContext {
  /// Whether this is the place of global translations.
  public var isGlobal: Bool { pcid == Self.anyPCID }
}
