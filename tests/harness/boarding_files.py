"""A small catalogue of another trade, which the catalogue's tests load and break."""

BOARDING = """\
code: pet_boarding
title: Boarding of pets
lines_question: cover
title_question: kennel_name
choices:
  covers: {care: Care of animals, premises: Premises}
  regions: [NO, SE, "ON"]
  sizes: {small: Up to 10 kg, large: Over 10 kg}
  "yes_no": {no: "No", yes: "Yes"}
question_sets:
- code: start
  title: The kennel
  questions:
  - {code: kennel_name, label: Name of the kennel, type: text, required: quote, validate: [max:80], indexed: true}
  - {code: cover, label: Cover wanted, type: multi_choice, required: quote, choices: covers}
  - {code: region, label: Region, type: choice, required: quote, choices: regions}
  - {code: trade, label: Trade, type: naics, required: quote}
  - {code: opened, label: Opened on, type: date, required: bind}
  - {code: turnover, label: Turnover a year, type: money, required: quote, validate: [min:0]}
  - {code: night_watch, label: Is there a night watch?, type: boolean, when: 'turnover > 50000'}
- code: kennels
  title: Runs
  when: '"care" in cover'
  pool: {code: runs, min: 1, max: 30, key: [run_name]}
  questions:
  - {code: run_name, label: Name of the run, type: text, required: quote}
  - {code: run_size, label: Size of the animals, type: choice, required: quote, choices: sizes}
  - {code: run_places, label: Places, type: integer, required: quote}
derived:
- {code: places, value: 'sum(runs.map(r, r.run_places))', label: Places in all}
form_rules:
- {id: F1, when: 'places > 100', then: warn, at: runs, say: That is a very large kennel}
lines:
- {code: care, label: Care of animals, states: '[region]', industry: trade}
- {code: premises, label: Premises, states: '[region]', industry: trade}
carriers:
- {code: PAW, name: Pawprint Mutual, admitted: true, link: {mode: sync}}
products:
- code: PAW-CARE
  carrier: PAW
  line: care
  rate_type: bindable
  label: Care, all in
  states: [NO, SE]
  industries: all
  rating:
    minimum: 250
    terms:
    - {rate: 1.25, per: 1000, of: turnover}
    tables:
    - pool: runs
      rate_by: run_size
      amount: run_places
      rates: {small: 4, large: 6.5}
      reason: run_size
    factors:
    - {id: watched, when: night_watch, times: 0.9}
  rules:
  - {id: P1, when: 'runs.exists(r, r.run_places > 40)', then: decline, why: A run with over 40 places}
  - {id: P2, when: 'region == "ON"', then: adjust, set: {region: SE}, why: Rated as in SE}
"""
