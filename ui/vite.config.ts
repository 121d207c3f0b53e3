import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// Everything is served by Linnet itself, below /assets/ under names that change
// with what is in them. `npm run dev` asks a running `linnet serve`.
export default defineConfig({
  plugins: [react()],
  build: { chunkSizeWarningLimit: 700, outDir: 'built/app', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { '/v1': process.env.LINNET_SERVER ?? 'http://127.0.0.1:8440' } },
})
