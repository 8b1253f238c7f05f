import MonitorTree

extension WouldHaveTally {
  /// As results tell it, in the order of ``AlertActions/named``; nil where nothing was asked for.
  var named: [WouldHave]? {
    let named = AlertActions.named.compactMap { name, action in
      entries[action.rawValue].map {
        WouldHave(action: name, stores: $0.stores, store: $0.firstStore, vcpu: $0.vcpu, at: $0.at)
      }
    }
    return named.isEmpty ? nil : named
  }
}
