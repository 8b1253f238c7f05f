/// A number as messages and reports write it: `0x`, then lower-case digits without leading zeros.
package func hex(_ value: some UnsignedInteger) -> String { "0x" + String(value, radix: 16) }
