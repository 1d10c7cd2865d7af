/** @file Dates of the Gregorian calendar and times of day. Answers by formula; checked by walking day by day or adding minutes. */
import { z } from "zod";
import { atLevel, instanceFamily, whole } from "../instance-family.ts";
import { plainAnswer } from "../read-answer.ts";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] as const;
const MONTHS = "January February March April May June July August September October November December".split(" ");

interface Day {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days since 1 March of year 0, by formula. */
function dayNumber({ year, month, day }: Day): number {
  const shifted = (month + 9) % 12;
  const years = month < 3 ? year - 1 : year;
  const leaps = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  return 365 * years + leaps + Math.floor((153 * shifted + 2) / 5) + day - 1;
}

function dayOfNumber(number: number): Day {
  // The guess is never late and at most a month early.
  let year = Math.floor((number + 60) / 365.2425) - 1;
  while (dayNumber({ year: year + 1, month: 1, day: 1 }) <= number) year += 1;
  let month = 1;
  while (month < 12 && dayNumber({ year, month: month + 1, day: 1 }) <= number) month += 1;
  return { year, month, day: number - dayNumber({ year, month, day: 1 }) + 1 };
}

/** The day so many days later, or earlier where negative: one day at a time. */
function walk(from: Day, days: number): Day {
  let { year, month, day } = from;
  for (let left = Math.abs(days); left > 0; left--) {
    if (days > 0) {
      day += 1;
      if (day > daysIn(year, month)) [day, month] = [1, month + 1];
      if (month > 12) [month, year] = [1, year + 1];
    } else {
      day -= 1;
      if (day < 1) {
        [month, year] = month === 1 ? [12, year - 1] : [month - 1, year];
        day = daysIn(year, month);
      }
    }
  }
  return { year, month, day };
}

const isoText = ({ year, month, day }: Day): string =>
  `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;

const inWords = ({ year, month, day }: Day): string => `${day} ${MONTHS[month - 1]} ${year}`;

const MOST_DAYS = [40, 200, 900, 5_000, 20_000] as const;

/** A day some days before or after another: its date, or its day of the week. */
export const calendar = instanceFamily({
  name: "calendar",
  description: "the date, or the day of the week, some days before or after a day",
  domain: "calendar",
  levels: ["up to 40 days away", "200", "900", "5,000", "20,000 days away"],
  instance: z
    .strictObject({
      year: whole(1_600, 2_400),
      month: whole(1, 12),
      day: whole(1, 31),
      days: whole(-20_000, 20_000),
      weekday: z.enum(WEEKDAYS).nullable(),
    })
    .refine(({ year, month, day }) => day <= daysIn(year, month)),
  draw(random, level) {
    const start = dayOfNumber(dayNumber({ year: 1_900, month: 1, day: 1 }) + random.int(0, 55_000));
    const most = atLevel(MOST_DAYS, level);
    const days = random.int(Math.ceil(most / 8), most) * random.pick([1, 1, -1]);
    const number = dayNumber(start);
    // Day 0 of the formula was a Wednesday.
    const weekdayAt = (one: number): (typeof WEEKDAYS)[number] =>
      WEEKDAYS[(((one + 2) % 7) + 7) % 7] as (typeof WEEKDAYS)[number];
    const asksWeekday = random.next() < 0.4;
    const instance = { ...start, days, weekday: asksWeekday ? weekdayAt(number) : null };
    return { instance, answer: asksWeekday ? weekdayAt(number + days) : isoText(dayOfNumber(number + days)) };
  },
  text: ({ days, weekday, ...day }, wording) => {
    const away = `${Math.abs(days)} days ${days < 0 ? "before" : "after"}`;
    const rule = "Use the Gregorian calendar.";
    if (weekday !== null)
      return `${inWords(day)} is a ${weekday}. ${wording.pick(["Which day of the week is it", "What day of the week is"])} ${away} that day? Answer with the English name of the day.`;
    return `${wording.pick(["Which date is", "What is the date"])} ${away} ${inWords(day)}? ${rule} Answer with the year, the month and the day in the form YYYY-MM-DD.`;
  },
  answerForm: ["DAY", "DAY is the day in the form just asked for"],
  read: (text) => {
    const bare = plainAnswer(text).toLowerCase();
    const isDay = WEEKDAYS.some((name) => name.toLowerCase() === bare) || /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/u.test(bare);
    return isDay ? bare : null;
  },
  isRight: ({ days, weekday, ...day }, answer) => {
    if (weekday === null) return isoText(walk(day, days)) === answer;
    const step = days < 0 ? 6 : 1;
    let at = WEEKDAYS.indexOf(weekday);
    for (let left = Math.abs(days); left > 0; left--) at = (at + step) % 7;
    return WEEKDAYS[at]?.toLowerCase() === answer;
  },
});

const DAY_MINUTES = 24 * 60;

const clock = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

function durationText(minutes: number): string {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const parts = [
    hours === 0 ? "" : `${hours} ${hours === 1 ? "hour" : "hours"}`,
    rest === 0 ? "" : `${rest} ${rest === 1 ? "minute" : "minutes"}`,
  ];
  return parts.filter((part) => part !== "").join(" and ");
}

const LEGS = [1, 2, 3, 5, 8] as const;
const LONGEST = [180, 400, 700, 900, 1_400] as const;

/** The time on the clock after a journey of several legs. */
export const clockTime = instanceFamily({
  name: "clock-time",
  description: "the time on the clock after a journey with stops",
  domain: "calendar",
  levels: ["1 leg", "2 legs", "3 legs", "5 legs", "8 legs, through several days"],
  instance: z.strictObject({ start: whole(0, DAY_MINUTES - 1), legs: z.array(whole(1, 1_400)).min(1).max(8) }),
  draw(random, level) {
    const start = random.int(0, DAY_MINUTES - 1);
    const longest = atLevel(LONGEST, level);
    const legs = Array.from({ length: atLevel(LEGS, level) }, (_, i) => random.int(5, i % 2 === 0 ? longest : 90));
    const end = legs.reduce((sum, leg) => sum + leg, start) % DAY_MINUTES;
    return { instance: { start, legs }, answer: clock(end) };
  },
  text: ({ start, legs }, wording) => {
    const who = wording.pick(["A train", "A bus", "A ferry"]);
    const parts = legs.map((leg, i) => `${i % 2 === 0 ? "travels for" : "waits for"} ${durationText(leg)}`);
    return `${who} leaves at ${clock(start)} and ${parts.join(", then ")}. What time is it then on a 24-hour clock, in the same time zone?`;
  },
  answerForm: ["HH:MM", "HH:MM is the time on the 24-hour clock, from 00:00 to 23:59"],
  read: (text) => {
    const [, hours, minutes] = /^([01]?[0-9]|2[0-3]):([0-5][0-9])$/u.exec(plainAnswer(text)) ?? [];
    return hours === undefined || minutes === undefined ? null : { hours: Number(hours), minutes: Number(minutes) };
  },
  isRight: ({ start, legs }, { hours, minutes }) => {
    let [hour, minute] = [Math.floor(start / 60), start % 60];
    for (const leg of legs) {
      minute += leg % 60;
      hour = (hour + Math.floor(leg / 60) + Math.floor(minute / 60)) % 24;
      minute %= 60;
    }
    return hour === hours && minute === minutes;
  },
});
