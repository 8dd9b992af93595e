import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { mockCity } from './mock/plugin.ts'

/** `CITYBASE_API=http://127.0.0.1:8080 npm run dev` works against a running city; without it a made-up one answers. */
const api = process.env.CITYBASE_API

export default defineConfig({
  base: '/',
  plugins: [vue(), ...(api ? [] : [mockCity()])],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { host: '127.0.0.1', port: 5173, proxy: api ? { '/api': api, '/health': api } : {} },
  build: {
    outDir: '../src/citybase/server/pages',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 1200,
    manifest: 'manifest.json',
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What every page needs travels in one piece: many tiny files compress badly.
        codeSplitting: {
          groups: [
            { name: 'map', priority: 1, test: /maplibre-gl|src\/map\/|CityMap\.vue|MapLegend\.vue/ },
            {
              name: 'base',
              priority: 2,
              test: /node_modules\/(vue|@vue|vue-router)|plugin-vue|src\/(main|App|router|lib\/(?!chart)|api|messages\/(?!en)|styles|components\/(AppShell|AppIcon|TopBar|GlobalSearch|ToastStack|StateTag|TimeText|UnitValue|CaseClock|CaseRow|DataList|EmptyState|ProblemNote|SkeletonRows|SparkLine)|pages\/SignIn)/,
            },
          ],
        },
      },
    },
  },
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
})
