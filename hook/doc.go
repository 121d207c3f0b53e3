// Package hook lets other systems drive releases and tells other systems of them.
//
// In: a pipeline or a registry announces a version by posting to a hook. What it
// posts is proved by a secret, taken once, held against conditions, and fills the
// placeholders of a template, which is the release file that is begun. Whatever is
// posted, the file has the structure of its template.
//
// Out: what happens to releases is sent to other systems as CloudEvents, each at
// least once and under an id that stays, those of one release in their order.
package hook
