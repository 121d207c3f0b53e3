import { Anchor, Button, type AnchorProps, type ButtonProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import type { ReactNode, Ref } from 'react'

type Text = Omit<AnchorProps, 'href'> & { ref?: Ref<HTMLAnchorElement>; children?: ReactNode }
type Box = Omit<ButtonProps, 'href'> & { ref?: Ref<HTMLAnchorElement>; children?: ReactNode }

/** A link in a text to another page. */
export const TextLink = createLink((props: Text) => <Anchor {...props} />)

/** A link to another page that looks like a button. */
export const ButtonLink = createLink((props: Box) => <Button component="a" {...props} />)

/** A release by its name, leading to its page. */
export function ReleaseLink({ name, attempt, children, ...props }: { name: string; attempt: number } & Omit<Text, 'ref'>) {
  return <TextLink to="/releases/$name/$attempt" params={{ name, attempt: String(attempt) }} c="inherit" inherit {...props}>{children ?? name}</TextLink>
}
