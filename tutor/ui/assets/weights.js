// Reads packed copy weights: of each answer token the largest ones, as prompt position and 255 sqrt(weight).

function bytesOf(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function unpack(packed) {
  const positions = new DataView(bytesOf(packed.positions).buffer);
  const weights = bytesOf(packed.weights);
  // [[position, weight], ...] of one answer token.
  return (step) => {
    const found = [];
    for (let place = step * packed.keep; place < (step + 1) * packed.keep; place += 1) {
      const weight = (weights[place] / 255) ** 2;
      if (weight > 0) found.push([positions.getUint16(2 * place, true), weight]);
    }
    return found;
  };
}
