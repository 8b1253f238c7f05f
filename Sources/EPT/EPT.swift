// The EPT room.
