import { ofReleases } from './explainRelease'

/** An explanation: what it is of, and paragraphs of plain words. */
export type Explanation = { title: string; text: string[] }

const about = (title: string, ...text: string[]): Explanation => ({ title, text })

/** What can be asked about where it stands, by key. */
export const explanations = {
  ...ofReleases,
  evidence: about(
    'Evidence of harm',
    'How sure it is that the candidate is worse than the tolerance allows: not how bad it is. The bar fills as the observations fit harm better than no harm; at its end the release is rolled back.',
    'The end is set so that a harmless release gets there as seldom as the release file says, however often one looks.',
  ),
  exposure: about('Exposure', 'How many requests the candidate has answered so far. All that it could harm is in here.'),
  guardrail: about(
    'Guardrails',
    'What must not become worse. Each passes once harm of a size that matters is ruled out, fails once there is enough evidence of harm, and waits in between.',
    'One that waits does no harm: it keeps the release at its step until there is enough to see.',
  ),
  steps: about(
    'Steps',
    'Each step is a share of the traffic for the candidate. It is left for the next when every guardrail has passed and the least time is over, and for none when one fails.',
  ),
  promotionRate: about('Promotion rate', 'Of the releases that have ended: how many became the version in use. Those rolled back and those that a person aborted count as not promoted.'),
  timeToProduction: about('Time to production', 'From the beginning of a release to the decision that the candidate takes all traffic: the middle of the last promoted releases. Half were faster.'),
  missedHarm: about('Missed harm', 'Releases that were promoted and did harm all the same, as people said who looked into them.'),
  falseAlarm: about('False alarms', 'Rollbacks that people looked into and found needless. Linnet does not mark them by itself; whoever looked does, on the page of the release.'),
  noise: about('Usual noise', 'What the baseline did in the last releases: its usual level, and between which levels it was in 8 of 10 of them. What moves much by itself hides small harm: such harm takes long to see.'),
  chain: about(
    'The chain of the audit',
    'Every line carries a hash that is made from the line and the hash before it. Whoever changes or removes a line breaks all that follow, and a check finds the first that does not fit.',
    'Lines cut off at the end leave no trace in the chain itself: keep the last hash somewhere else, and compare.',
  ),
  lag: about('Behind', 'By how long the turn that waits longest is late. A few seconds are usual; minutes mean that there is too little machine, or that something it waits for does not answer.'),
  backtest: about(
    'On past releases',
    'What those releases observed is judged by this file as if it were live: at each moment only what was known then is seen. The weights are what they were, and approvals count as given.',
    'It shows whether the file would have stopped what was bad and let pass what was good, and how soon.',
  ),
  forecast: about(
    'What a step can see',
    'The release is played many times, with no harm and with harm of several sizes, at the traffic told. What is shown is how soon harm would be found in most of these plays.',
    'It is a forecast for traffic like this, not a promise.',
  ),
} satisfies Record<string, Explanation>

/** The keys of explanations. */
export type Explained = keyof typeof explanations
