import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The page of one release as one script and one style sheet, which `linnet release
// report` writes into a file together with what they show.
export default defineConfig({
  plugins: [react()],
  publicDir: false,
  build: {
    outDir: 'built/report',
    emptyOutDir: true,
    target: 'es2022',
    cssCodeSplit: false,
    modulePreload: false,
    rolldownOptions: {
      input: 'src/report.tsx',
      output: { format: 'iife', entryFileNames: 'report.js', assetFileNames: 'report[extname]', codeSplitting: false },
    },
  },
})
