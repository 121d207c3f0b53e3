import type { Explanation } from './explain'

/** Explanations of what stands on the page of a release. */
export const ofReleases = {
  effect: {
    title: 'How much worse, and the interval',
    text: [
      'How bad: the candidate’s value as a multiple of the baseline’s, turned so that above 1× is worse. The interval holds the true multiple with 95 % certainty.',
      'It does so at every look at once. One may look after each request and stop at any moment: the interval was made wide enough for that from the start.',
    ],
  },
  funnel: {
    title: 'The funnel',
    text: [
      'The line is the best estimate of how much worse the candidate is, from everything seen until then; the band is where the truth lies with 95 % certainty. As requests arrive the band narrows.',
      'Above the dashed line of the tolerance it is harm. A pass needs the whole band to come below the line that must be ruled out.',
    ],
  },
  peeking: {
    title: 'Why looking often is fine',
    text: [
      'With an ordinary test, looking again and again until something stands out finds harm where there is none. The evidence here is a bet against “no harm” that cannot grow by itself, however often one looks.',
      'So a release may be stopped the moment there is enough, and a false alarm stays as rare as the release file says.',
    ],
  },
  hidden: {
    title: 'What cannot be excluded',
    text: [
      'No harm seen is not yet no harm. This says how large a harm could be there without having shown, given how few requests there were.',
      'A guardrail passes when everything larger than its limit is excluded, and waits until then.',
    ],
  },
  tail: {
    title: 'Why the tail matters',
    text: [
      'If one request in fifty becomes ten times slower, the median does not move and the mean hardly does; but somebody who makes fifty requests meets it.',
      'The axis gives the slowest tenth, hundredth and thousandth as much room as all the rest, so that a tail that moves alone is seen. All thresholds are judged together.',
    ],
  },
  segments: {
    title: 'By segment',
    text: [
      'The same comparison within each part of the traffic. Harm in a small part is thinned out in the whole; here it stands by itself.',
      'Many parts are many chances to be wrong, so that each needs more evidence than the whole would.',
    ],
  },
  bursts: {
    title: 'Bursts',
    text: ['Stretches in which the candidate’s bad events come far more often than the baseline’s rate of the same time would give. They show where to look in logs and traces; they decide nothing.'],
  },
  history: {
    title: 'The baseline’s history',
    text: ['The faint band is what the baseline of earlier releases of this service did, most of the time. It tells whether today is an ordinary day; the candidate is judged against the baseline of the same moments, not against this.'],
  },
  replay: {
    title: 'Replay',
    text: [
      'Every decision is a calculation on what was recorded before it. Replay does it again from the first record and says whether the same comes out, and whether the chain of hashes holds, so that nothing was changed since.',
    ],
  },
  harm: {
    title: 'Harm done',
    text: ['How many of the candidate’s requests went wrong beyond what the baseline’s rate would have given. It is what the release has cost, not how sure it is that something is wrong.'],
  },
} satisfies Record<string, Explanation>
