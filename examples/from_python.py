"""Label a scene, refine it with another setting, compare with the truth."""

import special

run = special.label("scene.hdr", classes=["Trees", "Grass | lawn", "Bare soil", "Water"])
labels = run.map  # uint8 (rows, cols): 1..4 in the order of the classes, 0 = no data
confidence = run.confidence  # float32 (rows, cols)
probabilities = run.probabilities  # float32 (rows, cols, 4)
scene = run.scene  # as it was read: scene.wavelengths, scene.valid, scene.read()
for area in run.areas():
    print(f"{area.name}: {area.pixels} pixels, mean confidence {area.confidence:.2f}")

again = special.refine(run, {"refine.lambda_hard": 0.4})
scores = special.evaluate(again, "truth.npy")
print(f"OA {scores.final.oa:.3f}; of the pseudo-labels {scores.steps['pseudo'].oa:.3f}")
