const LOOK_MILLISECONDS = 200

/** Whether this browser reads QR codes by itself. */
export const canScan = () => 'BarcodeDetector' in globalThis && navigator.mediaDevices?.getUserMedia !== undefined

/**
 * Shows the camera in a video element, and returns the first text that `accept` takes for what is sought. Throws where
 * there is no camera or no permission; returns undefined once the signal is aborted.
 */
export const scan = async (video, accept, signal) => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
  try {
    const detector = new BarcodeDetector({ formats: ['qr_code'] })
    video.srcObject = stream
    await video.play()
    while (!signal.aborted) {
      const found = (await detector.detect(video)).map(({ rawValue }) => rawValue).find(accept)
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS))
    }
    return undefined
  } finally {
    for (const track of stream.getTracks()) track.stop()
  }
}
