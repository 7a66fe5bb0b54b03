// Holds documents against the rules of AsyncAPI 3 with the parser of its authors. Run by tests/it/documents.rs, once for
// all documents; finds the parser by NODE_PATH.
//
//     check_asyncapi.js FOLDER    prints {"file": ["problem", ...]} for every *.asyncapi.json in it
const fs = require('fs')
const path = require('path')
const { Parser } = require('@asyncapi/parser')

async function main(folder) {
  const parser = new Parser()
  const found = {}
  for (const name of fs.readdirSync(folder).sort()) {
    if (!name.endsWith('.asyncapi.json')) continue
    const { document, diagnostics } = await parser.parse(fs.readFileSync(path.join(folder, name), 'utf8'))
    const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 0)
    found[name] = errors.map((error) => `${error.path.join('.')}: ${error.message}`)
    if (!document && errors.length === 0) found[name].push('it gives no document')
  }
  console.log(JSON.stringify(found))
}

main(process.argv[2])
