// Reads packed weights: of each head of each answer token the largest ones, as prompt position and 255 sqrt(weight).

function bytesOf(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function unpack(packed) {
  const positions = new DataView(bytesOf(packed.positions).buffer);
  const weights = bytesOf(packed.weights);
  const { steps, layers, heads, keep } = packed;
  return {
    steps, layers, heads, keep, meanOf: packed.mean_of,
    // [[position, weight], ...] of one answer token, or null where it was not sent.
    row(step, layer, head) {
      if (step >= steps) return null;
      const first = ((step * layers + layer) * heads + head) * keep;
      const found = [];
      for (let place = first; place < first + keep; place += 1) {
        const weight = (weights[place] / 255) ** 2;
        if (weight > 0) found.push([positions.getUint16(2 * place, true), weight]);
      }
      return found;
    },
  };
}
